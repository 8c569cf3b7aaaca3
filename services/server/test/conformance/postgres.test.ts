/** Every conformance suite over the Postgres store. */
import { describeEverySuite } from "./every-suite.ts";
import { postgres } from "./postgres-place.ts";

describeEverySuite(postgres);
