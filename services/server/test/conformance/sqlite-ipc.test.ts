/** Every conformance suite over the SQLite store behind a Unix socket. */
import { describeEverySuite } from "./every-suite.ts";
import { overIpc } from "./ipc-place.ts";
import { sqlite } from "./folder-place.ts";

describeEverySuite(overIpc(sqlite));
