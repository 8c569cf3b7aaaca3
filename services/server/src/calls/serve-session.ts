/** One RPC session of one client, served: NodeService over its stream, with what the session's calls share. */
import { errorCodeOf } from "quicproquo-proto";
import { type RpcByteStream, RpcSession } from "quicproquo-rpc";
import { LeaseBook } from "../delivery/lease-book.ts";
import { PushBudget } from "../delivery/push-budget.ts";
import { EarlyDataGate, type Handshake } from "./early-data.ts";
import { exceptionOf } from "./interface-server.ts";
import { nodeService } from "./node-service.ts";
import type { Origin } from "./origin.ts";
import type { CallParts, SessionScope } from "./scope.ts";

export type SessionSettings = {
  readonly handshake: Handshake;
  /** The connection's. */
  readonly origin: Origin;
  readonly callsInFlightMax: number;
  readonly pushBytesMax: number;
};

export type ServedSession = { readonly session: RpcSession; readonly scope: SessionScope };

/** Takes the stream over. What the session leased stands again when it is over. */
export function serveSession(parts: CallParts, stream: RpcByteStream, settings: SessionSettings): ServedSession {
  const scope: SessionScope = {
    origin: settings.origin,
    leases: new LeaseBook(removeWith(parts)),
    pushBudget: new PushBudget(settings.pushBytesMax),
    earlyData: new EarlyDataGate(settings.handshake),
    abandon: () => session.close(),
  };
  const session: RpcSession = new RpcSession(stream, {
    bootstrap: nodeService(parts, scope),
    limits: { callsInFlightMax: settings.callsInFlightMax },
    errorToException: exceptionOf,
    onError: (error) => parts.log.error({ event: "rpc_callback_failed", error }),
  });
  return { session, scope };
}

/** Removal behind a Finish has no answer: a failure is counted, and the messages are handed out again later. */
function removeWith({ domains, observer }: CallParts): ConstructorParameters<typeof LeaseBook>[0] {
  return (inbox, upTo, storeEpoch) =>
    domains.delivery.ack(inbox, upTo, storeEpoch).catch((error: unknown) => {
      observer.backgroundFailed("lease-removal", errorCodeOf(error));
    });
}
