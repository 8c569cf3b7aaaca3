/** The Postgres store against the reference store. Fewer runs: each step waits for a commit. */
import { describeModel } from "./model.ts";
import { postgres } from "./postgres-place.ts";

describeModel(postgres, 40);
