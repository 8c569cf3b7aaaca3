/** What every store must pass. */
import { describeAccessStore } from "./access-store.ts";
import { describeAccountDeletion } from "./account-deletion.ts";
import { describeAccountStore } from "./account-store.ts";
import { describeBlobStore } from "./blob-store.ts";
import { describeChannelStore } from "./channel-store.ts";
import { describeGroupCommit } from "./group-commit.ts";
import { describeKeyStore } from "./key-store.ts";
import { describeMessageLife } from "./message-life.ts";
import { describeMessageLog } from "./message-log.ts";
import { describeSenderShare } from "./sender-share.ts";
import { describeStore } from "./store.ts";
import type { Subject } from "./subject.ts";
import { describeWakeupBus } from "./wakeup-bus.ts";

export function describeEverySuite(subject: Subject): void {
  describeMessageLog(subject);
  describeMessageLife(subject);
  describeGroupCommit(subject);
  describeSenderShare(subject);
  describeKeyStore(subject);
  describeAccountStore(subject);
  describeAccessStore(subject);
  describeChannelStore(subject);
  describeBlobStore(subject);
  describeAccountDeletion(subject);
  describeWakeupBus(subject);
  describeStore(subject);
}
