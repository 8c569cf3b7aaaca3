/** For the environment of Node processes that a scenario starts: what one has compiled the next ones need not, nor strip of its types. */
import { fileURLToPath } from "node:url";

export const compileCache = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../.build/compiled", import.meta.url)),
} as const;
