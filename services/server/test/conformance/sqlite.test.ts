/** Every conformance suite over the SQLite store. */
import { describeEverySuite } from "./every-suite.ts";
import { sqlite } from "./folder-place.ts";

describeEverySuite(sqlite);
