/** What the peer holds of us: each target under one number, with the count of references the peer must give back. */
import { ProtocolError, RpcError } from "./rpc-error.ts";
import type { Target } from "./target.ts";

type Export = { readonly target: Target; references: number };

export class ExportTable {
  readonly #exportsMax: number;
  readonly #exports = new Map<number, Export>();
  readonly #ids = new Map<Target, number>();
  /** Numbers given back, used again first: the table stays dense, as rpc.capnp asks for. */
  readonly #freeIds: number[] = [];
  #nextId = 0;

  constructor(exportsMax: number) {
    this.#exportsMax = exportsMax;
  }

  get size(): number {
    return this.#exports.size;
  }

  /** One more reference of the peer; answers the number. Throws RpcError overloaded when the table is full. */
  add(target: Target): number {
    const known = this.#ids.get(target);
    if (known !== undefined) {
      (this.#exports.get(known) as Export).references++;
      return known;
    }
    if (this.#exports.size >= this.#exportsMax) {
      throw new RpcError("overloaded", `the peer holds ${this.#exportsMax} capabilities already`);
    }
    const id = this.#freeIds.pop() ?? this.#nextId++;
    target.retain();
    this.#exports.set(id, { target, references: 1 });
    this.#ids.set(target, id);
    return id;
  }

  /** Throws ProtocolError when the peer does not hold it. */
  get(id: number): Target {
    const entry = this.#exports.get(id);
    if (entry === undefined) throw new ProtocolError(`export ${id} does not exist`);
    return entry.target;
  }

  /** Throws ProtocolError when the peer gives back more than it has. */
  release(id: number, references: number): void {
    const entry = this.#exports.get(id);
    if (entry === undefined) throw new ProtocolError(`release of export ${id}, which does not exist`);
    if (references > entry.references) throw new ProtocolError(`export ${id} released more often than it was sent`);
    entry.references -= references;
    if (entry.references > 0) return;
    this.#exports.delete(id);
    this.#ids.delete(entry.target);
    this.#freeIds.push(id);
    entry.target.release();
  }

  /** The session is over: the peer holds nothing any more. */
  clear(): void {
    const exports = [...this.#exports.values()];
    this.#exports.clear();
    this.#ids.clear();
    for (const { target } of exports) target.release();
  }
}
