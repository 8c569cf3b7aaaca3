/** The SQLite store against the reference store. */
import { describeAccountModel } from "./account-model.ts";
import { describeModel } from "./model.ts";
import { sqlite } from "./folder-place.ts";

describeModel(sqlite, 80);
describeAccountModel(sqlite, 60);
