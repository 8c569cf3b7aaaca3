/** Every conformance suite over the reference store behind a Unix socket. */
import { describeEverySuite } from "./every-suite.ts";
import { overIpc } from "./ipc-place.ts";
import { memory } from "./memory-place.ts";

describeEverySuite(overIpc(memory));
