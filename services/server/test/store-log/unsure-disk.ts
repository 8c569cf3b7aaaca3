/**
 * A disk in memory that keeps what was synced, and of the rest whatever a power cut leaves: of each write that was not
 * synced all, nothing or a part, in any order; of each name that was not synced the one or the other.
 */
import { basename, dirname } from "node:path";
import type { LogFiles } from "../../src/store/log/files.ts";

type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "size"; readonly bytes: number };
type Node = { durable: Buffer; current: Buffer; unsynced: Change[] };
type NameChange = { readonly path: string; readonly node: Node | undefined };

/** The machine stops here. */
export class PowerCut extends Error {}

export class UnsureDisk {
  readonly #names = new Map<string, Node>();
  readonly #durableNames = new Map<string, Node>();
  #nameChanges: NameChange[] = [];
  readonly #open = new Map<number, Node>();
  #nextFile = 1;
  /** Changes and syncs until the power goes. */
  stepsLeft = Number.POSITIVE_INFINITY;
  /** Faults: whether this write, which then takes the half of it, or this sync fails. */
  failing: ((what: "write" | "sync") => boolean) | undefined;
  /** A fault: syncs that do nothing. */
  syncs = true;

  readonly files: LogFiles = {
    create: (path) => {
      this.#step();
      if (this.#names.has(path)) throw Object.assign(new Error(`EEXIST ${path}`), { code: "EEXIST" });
      const node = { durable: Buffer.alloc(0), current: Buffer.alloc(0), unsynced: [] };
      this.#setName(path, node);
      return this.#openNode(node);
    },
    open: (path) => this.#openNode(this.#find(path)),
    openToRead: (path) => this.#openNode(this.#find(path)),
    close: (file) => void this.#open.delete(file),
    write: (file, bytes, at) => {
      const node = this.#node(file);
      const isFull = this.failing?.("write") === true;
      const taken = isFull ? bytes.subarray(0, bytes.length >> 1) : bytes;
      const change = { kind: "write", at, bytes: Buffer.from(taken) } as const;
      node.current = applied(node.current, change);
      node.unsynced.push(change);
      if (isFull) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      this.#step();
    },
    sync: (file) => {
      this.#step();
      if (!this.syncs) return;
      const node = this.#node(file);
      // As Linux does: a write whose sync failed is not written again by the next one, though it is still read.
      const isLost = this.failing?.("sync") === true;
      if (!isLost) for (const change of node.unsynced) node.durable = applied(node.durable, change);
      node.unsynced = [];
      if (isLost) throw Object.assign(new Error("EIO"), { code: "EIO" });
      this.#step();
    },
    truncate: (file, bytes) => {
      const node = this.#node(file);
      const change = { kind: "size", bytes } as const;
      node.current = applied(node.current, change);
      node.unsynced.push(change);
      this.#step();
    },
    read: (file, into, at) => this.#node(file).current.copy(into, 0, at, at + into.length),
    bytesOf: (file) => this.#node(file).current.length,
    readAll: (path) => Buffer.from(this.#find(path).current),
    rename: (from, to) => {
      const node = this.#find(from);
      this.#setName(to, node);
      this.#setName(from, undefined);
      this.#step();
    },
    remove: (path) => {
      if (!this.#names.has(path)) return;
      this.#setName(path, undefined);
      this.#step();
    },
    makeFolder: () => undefined,
    list: (folder) => [...this.#names.keys()].filter((path) => dirname(path) === folder).map((path) => basename(path)),
    syncFolder: () => {
      this.#step();
      if (!this.syncs) return;
      for (const { path, node } of this.#nameChanges) setIn(this.#durableNames, path, node);
      this.#nameChanges = [];
      this.#step();
    },
  };

  /** A disk as a power cut now may leave this one. */
  afterPowerCut(random: () => number): UnsureDisk {
    const disk = new UnsureDisk();
    const names = new Map(this.#durableNames);
    for (const { path, node } of this.#nameChanges) if (random() < 0.5) setIn(names, path, node);
    const copies = new Map<Node, Node>();
    for (const [path, node] of names) {
      const copy = copies.get(node) ?? survivor(node, random);
      copies.set(node, copy);
      disk.#names.set(path, copy);
      disk.#durableNames.set(path, copy);
    }
    return disk;
  }

  /** What a process that is killed leaves to the next: all that it wrote, of which a power cut still takes what was not synced. */
  afterKill(): UnsureDisk {
    const disk = new UnsureDisk();
    const copies = new Map<Node, Node>();
    const copyOf = (node: Node): Node => {
      const copy = copies.get(node) ?? { ...node, unsynced: [...node.unsynced] };
      copies.set(node, copy);
      return copy;
    };
    for (const [path, node] of this.#names) disk.#names.set(path, copyOf(node));
    for (const [path, node] of this.#durableNames) disk.#durableNames.set(path, copyOf(node));
    disk.#nameChanges = this.#nameChanges.map(({ path, node }) => ({ path, node: node && copyOf(node) }));
    return disk;
  }

  /** Changes a file behind the log's back. */
  alter(path: string, change: (bytes: Buffer) => Buffer): void {
    const node = this.#find(path);
    node.current = change(Buffer.from(node.current));
    node.durable = Buffer.from(node.current);
    node.unsynced = [];
  }

  #step(): void {
    if (this.stepsLeft-- <= 0) throw new PowerCut();
  }

  #find(path: string): Node {
    const node = this.#names.get(path);
    if (node === undefined) throw Object.assign(new Error(`ENOENT ${path}`), { code: "ENOENT" });
    return node;
  }

  #openNode(node: Node): number {
    this.#open.set(this.#nextFile, node);
    return this.#nextFile++;
  }

  #node(file: number): Node {
    return this.#open.get(file) as Node;
  }

  #setName(path: string, node: Node | undefined): void {
    setIn(this.#names, path, node);
    this.#nameChanges.push({ path, node });
  }
}

function setIn(names: Map<string, Node>, path: string, node: Node | undefined): void {
  if (node === undefined) names.delete(path);
  else names.set(path, node);
}

function applied(content: Buffer, change: Change): Buffer {
  const end = change.kind === "size" ? change.bytes : Math.max(content.length, change.at + change.bytes.length);
  const next = Buffer.alloc(end);
  content.copy(next);
  if (change.kind === "write") change.bytes.copy(next, change.at);
  return next;
}

function survivor(node: Node, random: () => number): Node {
  let content = node.durable;
  for (const change of node.unsynced) {
    const luck = random();
    if (luck < 0.3) continue;
    if (luck < 0.6 || change.kind === "size") content = applied(content, change);
    else content = applied(content, partOf(change, random));
  }
  return { durable: Buffer.from(content), current: Buffer.from(content), unsynced: [] };
}

/** Some piece of it. */
function partOf(change: Extract<Change, { kind: "write" }>, random: () => number): Change {
  const start = Math.floor(random() * change.bytes.length);
  const end = start + Math.floor(random() * (change.bytes.length - start + 1));
  const [from, to] = random() < 0.5 ? [0, end] : [start, end];
  return { kind: "write", at: change.at + from, bytes: change.bytes.subarray(from, to) };
}
