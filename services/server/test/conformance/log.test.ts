/** Every conformance suite over the message log with qpq.db. */
import { describeEverySuite } from "./every-suite.ts";
import { messageLog } from "./folder-place.ts";

describeEverySuite(messageLog);
