/** Every conformance suite over the SQLite store. */
import { describeGroupCommit } from "./group-commit.ts";
import { describeKeyStore } from "./key-store.ts";
import { describeMessageLife } from "./message-life.ts";
import { describeMessageLog } from "./message-log.ts";
import { sqlite } from "./sqlite-place.ts";
import { describeStore } from "./store.ts";
import { describeWakeupBus } from "./wakeup-bus.ts";

describeMessageLog(sqlite);
describeMessageLife(sqlite);
describeGroupCommit(sqlite);
describeKeyStore(sqlite);
describeWakeupBus(sqlite);
describeStore(sqlite);
