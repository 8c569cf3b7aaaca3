/** Every conformance suite over the reference store. */
import { createMemoryStore } from "../../src/store/index.ts";
import { describeGroupCommit } from "./group-commit.ts";
import { describeKeyStore } from "./key-store.ts";
import { describeMessageLife } from "./message-life.ts";
import { describeMessageLog } from "./message-log.ts";
import { describeStore } from "./store.ts";
import type { Subject } from "./subject.ts";
import { describeWakeupBus } from "./wakeup-bus.ts";

const memory: Subject = {
  name: "memory",
  keeps: false,
  makePlace: async () => ({
    keeps: false,
    open: async (options) => createMemoryStore(options),
    dispose: async () => undefined,
  }),
};

describeMessageLog(memory);
describeMessageLife(memory);
describeGroupCommit(memory);
describeKeyStore(memory);
describeWakeupBus(memory);
describeStore(memory);
