/** What every store must pass. */
import { describeGroupCommit } from "./group-commit.ts";
import { describeKeyStore } from "./key-store.ts";
import { describeMessageLife } from "./message-life.ts";
import { describeMessageLog } from "./message-log.ts";
import { describeStore } from "./store.ts";
import type { Subject } from "./subject.ts";
import { describeWakeupBus } from "./wakeup-bus.ts";

export function describeEverySuite(subject: Subject): void {
  describeMessageLog(subject);
  describeMessageLife(subject);
  describeGroupCommit(subject);
  describeKeyStore(subject);
  describeWakeupBus(subject);
  describeStore(subject);
}
