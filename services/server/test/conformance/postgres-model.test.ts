/** The Postgres store against the reference store. Fewer runs: each step waits for a commit. */
import { describeAccountModel } from "./account-model.ts";
import { describeModel } from "./model.ts";
import { postgres } from "./postgres-place.ts";

describeModel(postgres, 40);
describeAccountModel(postgres, 30);
