/** All dashboards. */
import { loadTest } from "./load-test.ts";
import { nodeRuntime } from "./node-runtime.ts";
import { overview } from "./overview.ts";
import { quicTransport } from "./quic-transport.ts";
import { store } from "./store.ts";

export const dashboards = [overview, quicTransport, store, nodeRuntime, loadTest] as const;
