/** The connections of one listener: found by id, counted by peer. Its size is what the caps are compared with. */
import type { QuicConnection } from "./connection.ts";
import { peerGroupOf } from "./peer-group.ts";

type Held = { readonly ids: readonly string[]; readonly group: string };

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
    const ids = known.ids.map((id) => Buffer.from(id).toString("latin1"));
    const group = peerGroupOf(known.host);
    for (const id of ids) this.#byId.set(id, connection);
    this.#held.set(connection, { ids, group });
    this.#perGroup.set(group, (this.#perGroup.get(group) ?? 0) + 1);
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
