/** Every conformance suite over the reference store. */
import { describeEverySuite } from "./every-suite.ts";
import { memory } from "./memory-place.ts";

describeEverySuite(memory);
