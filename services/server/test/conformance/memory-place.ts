/** The reference store under test. */
import { createMemoryStore } from "../../src/store/index.ts";
import type { Subject } from "./subject.ts";

export const memory: Subject = {
  name: "memory",
  keeps: false,
  makePlace: async () => ({
    keeps: false,
    open: async (options) => createMemoryStore(options),
    dispose: async () => undefined,
  }),
};
