/** The table of actions. */
import type { Action } from "./action.ts";
import { blob } from "./actions/blob.ts";
import { enqueue } from "./actions/enqueue.ts";
import { fanOut } from "./actions/fan-out.ts";
import { fetchWait } from "./actions/fetch-wait.ts";
import { groupMessage } from "./actions/group-message.ts";
import { handshake, resume, resumeEarly } from "./actions/handshake.ts";
import { pingPong, push } from "./actions/push.ts";
import { reconnect } from "./actions/reconnect.ts";

export const actions = {
  handshake,
  resume,
  "resume-early": resumeEarly,
  enqueue,
  push,
  "ping-pong": pingPong,
  "fan-out": fanOut,
  "fetch-wait": fetchWait,
  reconnect,
  "group-message": groupMessage,
  blob,
} as const satisfies Record<string, Action>;

export type ActionName = keyof typeof actions;
