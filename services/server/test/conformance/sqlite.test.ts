/** Every conformance suite over the SQLite store. */
import { describeAccountSuites, describeEverySuite } from "./every-suite.ts";
import { sqlite } from "./sqlite-place.ts";

describeEverySuite(sqlite);
describeAccountSuites(sqlite);
