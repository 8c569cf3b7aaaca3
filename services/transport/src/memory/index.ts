/** Memory behind the transport port. */
export type { Schedule } from "./connection.ts";
export { type MemoryLimits, memoryLimits } from "./frame.ts";
export {
  createMemoryNetwork,
  type MemoryDialOptions,
  type MemoryListenOptions,
  type MemoryNetwork,
  type MemoryNetworkOptions,
} from "./network.ts";
