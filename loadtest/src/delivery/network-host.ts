/**
 * An address of this machine that is not its loopback: between programs of one machine datagrams are larger than a network
 * lets them be (datagramBytes, loopbackDatagramBytes), so what is meant for a network is measured over this.
 */
import { networkInterfaces } from "node:os";

/** IPv4; undefined: this machine has no network. */
export function networkHost(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}
