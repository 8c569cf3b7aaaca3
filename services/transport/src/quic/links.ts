/** The sockets of a connection: one, or two while it moves from one to the other. */
import type { Endpoint, Serviced } from "./endpoint.ts";
import type { HostPort } from "./native.ts";

export type Link = {
  readonly endpoint: Endpoint;
  /** The socket's address. */
  readonly local: HostPort;
};

export class Links {
  /** What the library is told that every socket's address is: the first one's. */
  readonly local: HostPort;
  #current: Link;
  /** The socket that was left: late datagrams still come there. */
  #former: Link | undefined;

  constructor(link: Link) {
    this.local = link.local;
    this.#current = link;
  }

  isCurrent(link: Link): boolean {
    return link === this.#current;
  }

  mark(connection: Serviced): void {
    this.#current.endpoint.mark(connection);
  }

  markLate(connection: Serviced): void {
    this.#current.endpoint.markLate(connection);
  }

  /** Room for a packet, which {@link sendPacket} sends. */
  packetBuffer(): Buffer {
    return this.#current.endpoint.packetBuffer();
  }

  sendPacket(length: number, to: HostPort): void {
    this.#current.endpoint.sendPacket(length, to);
  }

  sendDatagram(datagram: Buffer, to: HostPort): void {
    this.#current.endpoint.sendDatagram(datagram, to);
  }

  moveTo(link: Link): void {
    this.closeFormer();
    this.#former = this.#current;
    this.#current = link;
  }

  /** The new one does not work. */
  moveBack(): void {
    if (this.#former === undefined) return;
    void this.#current.endpoint.close(); // never rejects
    this.#current = this.#former;
    this.#former = undefined;
  }

  closeFormer(): void {
    void this.#former?.endpoint.close(); // never rejects
    this.#former = undefined;
  }

  close(): void {
    this.closeFormer();
    void this.#current.endpoint.close(); // never rejects
  }
}
