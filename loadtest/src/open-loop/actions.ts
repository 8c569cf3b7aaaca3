/** The table of actions. */
import type { Action } from "./action.ts";
import { enqueue } from "./actions/enqueue.ts";

export const actions = { enqueue } as const satisfies Record<string, Action>;
