/** What tests of this and other packages share: networks to put between a client and a server. */
export { Bridge, type Joined } from "./network/bridge.ts";
export { Namespace } from "./network/namespace.ts";
export type { Loss } from "./network/router-rules.ts";
export { type NetworkOptions, TestNetwork } from "./network/test-network.ts";
export { randomOf } from "./random.ts";
export type { LaneCounts, LaneFaults } from "./seeded-lane.ts";
export { type RelayOptions, SeededRelay } from "./seeded-relay.ts";
