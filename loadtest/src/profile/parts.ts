/** Which part of the server a sample belongs to, by the file of its function. */
import type { Node } from "./cpu-profile.ts";

/** In the order they are shown; the names are those of figures. */
export const parts = {
  quic: "QUIC driver (services/transport/src/quic)",
  quic_native: "QUIC library (quiche, native)",
  sockets: "Node's sockets (dgram, net, streams)",
  rpc: "RPC and codecs (services/rpc, schemas)",
  delivery: "calls, access, delivery",
  store: "store and its drivers",
  observe: "metrics, traces, log",
  gc: "garbage collection (and V8's own threads, which compile too)",
  native: "outside JavaScript: event loop, system calls",
  other: "everything else, Node's own timers and ticks among it",
} as const;

export type Part = keyof typeof parts;

/** The first that stands in the file's URL; what is in none is its caller's, as Buffer and crypto are. */
const places: readonly (readonly [string, Part])[] = [
  ["/services/transport/src/quic/", "quic"],
  ["/services/rpc/src/", "rpc"],
  ["/schemas/", "rpc"],
  ["/services/server/src/store/", "store"],
  ["/services/server/src/ipc/", "store"],
  ["/services/server/src/configured-store.ts", "store"],
  ["/node_modules/pg", "store"],
  ["/node_modules/ioredis", "store"],
  ["/node_modules/redis-", "store"],
  ["/services/server/src/observe", "observe"],
  ["/node_modules/prom-client/", "observe"],
  ["/node_modules/@opentelemetry/", "observe"],
  ["/node_modules/pino/", "observe"],
  ["/services/server/src/", "delivery"],
  ["node:dgram", "sockets"],
  ["node:internal/dgram", "sockets"],
  ["node:net", "sockets"],
  ["node:internal/stream", "sockets"],
];

/**
 * Functions that do nothing but call the library: the profiler does not see into it, so their own time is its. By the end of
 * their file's URL.
 */
const callsOfLibrary: Readonly<Record<string, readonly string[]>> = {
  "/quic/wire.ts": ["receive", "#makePacket"],
  "/quic/stream.ts": ["#receive", "#offer", "get #hasRoom"],
};

export function partOf(node: Node): Part {
  const { functionName } = node.frame;
  if (functionName === "(garbage collector)") return "gc";
  if (functionName === "(program)") return "native";
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
    const { url } = at.frame;
    const part = places.find(([place]) => url.includes(place))?.[1];
    if (part === undefined) continue;
    return part === "quic" && isInLibrary(node) ? "quic_native" : part;
  }
  return "other";
}

function isInLibrary({ frame: { functionName, url } }: Node): boolean {
  if (url === "") return true;
  return Object.entries(callsOfLibrary).some(([file, names]) => url.endsWith(file) && names.includes(functionName));
}

/** Samples of each part. */
export function samplesByPart(tree: Node): Record<Part, number> {
  const sums = Object.fromEntries(Object.keys(parts).map((part) => [part, 0])) as Record<Part, number>;
  const visit = (node: Node): void => {
    sums[partOf(node)] += node.selfSamples;
    for (const child of node.children) visit(child);
  };
  visit(tree);
  return sums;
}
