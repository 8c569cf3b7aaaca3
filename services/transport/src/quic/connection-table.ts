/** The connections of one listener: found by id, counted by peer. Its size is what the caps are compared with. */
import type { QuicConnection } from "./connection.ts";
import { peerGroupOf } from "./peer-group.ts";

type Held = { readonly ids: Set<string>; readonly group: string };

export class ConnectionTable {
  readonly #byId = new Map<string, QuicConnection>();
  readonly #held = new Map<QuicConnection, Held>();
  readonly #perGroup = new Map<string, number>();

  get size(): number {
    return this.#held.size;
  }

  [Symbol.iterator](): Iterator<QuicConnection> {
    return this.#held.keys();
  }

  /** By its id, one character a byte. */
  find(id: string): QuicConnection | undefined {
    return this.#byId.get(id);
  }

  /** How many connections the peer at this address has. */
  countOfPeer(host: string): number {
    return this.#perGroup.get(peerGroupOf(host)) ?? 0;
  }

  add(connection: QuicConnection, known: { readonly ids: readonly Uint8Array[]; readonly host: string }): void {
    const group = peerGroupOf(known.host);
    this.#held.set(connection, { ids: new Set(), group });
    for (const id of known.ids) this.addId(connection, id);
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
  }

  /** Only for a connection that is in the table. */
  addId(connection: QuicConnection, id: Uint8Array): void {
    const key = keyOf(id);
    this.#held.get(connection)?.ids.add(key);
    this.#byId.set(key, connection);
  }

  removeId(connection: QuicConnection, id: Uint8Array): void {
    const key = keyOf(id);
    if (this.#held.get(connection)?.ids.delete(key) === true) this.#byId.delete(key);
  }

  remove(connection: QuicConnection): void {
    const held = this.#held.get(connection);
    if (held === undefined) return;
    this.#held.delete(connection);
    for (const id of held.ids) this.#byId.delete(id);
    const left = (this.#perGroup.get(held.group) ?? 1) - 1;
    if (left === 0) this.#perGroup.delete(held.group);
    else this.#perGroup.set(held.group, left);
  }
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1");
}
