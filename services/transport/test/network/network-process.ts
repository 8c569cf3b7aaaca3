/** Opens a test network with a process at either end, prints the two namespaces and waits to be killed. */
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { TestNetwork } from "../../testing/index.ts";

const network = await TestNetwork.open();
for (const side of [network.client, network.server]) {
  const child = side.spawn(["cat"], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin?.write("here\n");
  if (child.stdout !== null) await once(child.stdout, "data");
}
process.stdout.write(
  JSON.stringify([network.client, network.server].map(({ pid }) => readlinkSync(`/proc/${pid}/ns/net`))),
);
