/** The SQLite store against the reference store. */
import { describeModel } from "./model.ts";
import { sqlite } from "./sqlite-place.ts";

describeModel(sqlite, 80);
