/**
 * Room for outgoing packets, shared by all sockets of the process. Slabs are used by turns: the kernel has taken a packet
 * long before its place comes again. Should one still wait in libuv then, because its socket's buffer is full, its peer
 * gets bytes that it cannot open, which to QUIC is a lost packet.
 */

/** Room for the largest packet that the limits allow, in whole cache lines; a packet keeps as many as it has bytes for. */
const packetBytes = 9_024;
/** 64 packets of 1,408 B. */
const slabBytes = 90_112;
const slabCount = 32;

export class PacketPool {
  readonly #slabs: Buffer[] = [];
  #number = -1;
  /** The current slab, and where the next packet begins in it. */
  slab: Buffer = Buffer.alloc(0);
  at = 0;

  /** The place of the next packet; {@link take} keeps it. */
  next(): Buffer {
    if (this.at + packetBytes > this.slab.length) {
      this.#number = (this.#number + 1) % slabCount;
      this.slab = this.#slabs[this.#number] ??= Buffer.allocUnsafeSlow(slabBytes);
      this.at = 0;
    }
    return this.slab.subarray(this.at, this.at + packetBytes);
  }

  /** The packet at the place that `next` gave last has so many bytes. Where it begins in the slab. */
  take(length: number): number {
    const { at } = this;
    this.at += (length + 63) & ~63;
    return at;
  }
}
