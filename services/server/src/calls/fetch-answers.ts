/** What fetch, fetchWait and peek answer, and what is noted when they do. */
import type { InboxKey, methodCodecs } from "quicproquo-proto";
import type { Fetched } from "../delivery/lease-book.ts";
import type { ReadAnswer } from "../store/port.ts";
import { answerOf } from "./answers.ts";
import type { CallContext } from "./methods.ts";

type FetchResults = ReturnType<(typeof methodCodecs)["fetch"]["decodeResults"]>;

export function fetchAnswer(found: ReadAnswer | Fetched, inbox: InboxKey, context: CallContext): FetchResults {
  if ("taken" in found) context.onTaken(found);
  context.onDelivered(inbox, found.messages);
  return answerOf(found);
}
