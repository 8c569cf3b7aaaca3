/** Says why a connection ended, in the port's words, from what the library knows. Pure. */
import { QpqError } from "quicproquo-proto";
import { closedByPeer, printable } from "../closed.ts";
import type { ConnectionClosed } from "../port.ts";
import type { NativeConnection, NativeError } from "./native.ts";

/** RFC 9001 section 4.8: a TLS alert is the transport error 0x100 + alert. */
const alertBase = 0x100;
const alertLast = 0x1ff;
/** RFC 8446 section 6. */
const alerts = {
  badCertificate: 42,
  certificateExpired: 45,
  certificateUnknown: 46,
  unknownCa: 48,
  noAlpn: 120,
} as const;
/** RFC 9000 section 20.1. */
const connectionRefused = 0x02;

export function closedByNative(native: NativeConnection, handshakeDone: boolean): ConnectionClosed {
  const peer = native.peerError();
  if (peer !== null) return toldByPeer(peer, handshakeDone);
  const local = native.localError();
  if (local !== null) return failedHere(local, handshakeDone);
  if (native.isTimedOut()) return lost("idle timeout", handshakeDone, false);
  return lost("stateless reset", handshakeDone, true);
}

/** Our TLS stack has sent an alert. */
export function refusedByTls(native: NativeConnection): boolean {
  const code = native.localError()?.errorCode ?? 0;
  return code >= alertBase && code <= alertLast;
}

/** The handshake did not end in time, or the network said that it cannot. */
export function connectFailed(reason: string, cause?: unknown): ConnectionClosed {
  return {
    code: undefined,
    reason,
    byPeer: false,
    error: new QpqError("E040_CONNECT_FAILED", { text: reason, cause }),
  };
}

/** The connection is dropped because something in this process failed. */
export function failedInternally(cause: unknown): ConnectionClosed {
  return { code: undefined, reason: "internal", byPeer: false, error: new QpqError("E042_CONNECTION_LOST", { cause }) };
}

/** The peer's connection ids are used up, or came back in the wrong order (peer-ids.ts, path-ids.ts). */
export function withoutIds(): ConnectionClosed {
  const reason = "no connection id is left";
  return { code: undefined, reason, byPeer: false, error: new QpqError("E042_CONNECTION_LOST", { text: reason }) };
}

/** The library makes no packet any more (wire.ts). */
export function cannotSend(cause: unknown): ConnectionClosed {
  const reason = "the connection cannot be sent on";
  return {
    code: undefined,
    reason,
    byPeer: false,
    error: new QpqError("E042_CONNECTION_LOST", { text: reason, cause }),
  };
}

function toldByPeer(peer: NativeError, handshakeDone: boolean): ConnectionClosed {
  const reason = textOf(peer.reason);
  if (peer.isApp) return closedByPeer(peer.errorCode, reason);
  return { code: undefined, reason, byPeer: true, error: transportError(peer.errorCode, handshakeDone) };
}

function transportError(code: number, handshakeDone: boolean): QpqError {
  if (handshakeDone) return new QpqError("E042_CONNECTION_LOST", { fields: { transportError: code } });
  const text =
    code === alertBase + alerts.noAlpn
      ? "the server does not speak this protocol (ALPN)"
      : code === connectionRefused
        ? "the server takes no new connections"
        : "the server refused the handshake";
  return new QpqError("E040_CONNECT_FAILED", { text, fields: { transportError: code } });
}

/** The library closed because of what came in: a refused certificate, or bytes that break the protocol. */
function failedHere(local: NativeError, handshakeDone: boolean): ConnectionClosed {
  const closed = { code: undefined, reason: textOf(local.reason), byPeer: false };
  if (handshakeDone) {
    const fields = { transportError: local.errorCode };
    return { ...closed, error: new QpqError("E042_CONNECTION_LOST", { text: "the peer broke the protocol", fields }) };
  }
  const refused = certificateText(local.errorCode);
  if (refused !== undefined) return { ...closed, error: new QpqError("E041_CERTIFICATE", { text: refused }) };
  const isAlert = local.errorCode >= alertBase && local.errorCode <= alertLast;
  const text = isAlert ? "the TLS handshake failed" : "the server broke the protocol";
  const fields = { transportError: local.errorCode };
  return { ...closed, error: new QpqError("E040_CONNECT_FAILED", { text, fields }) };
}

/** Which check failed shows only in the alert that our TLS stack sends to the server. */
function certificateText(code: number): string | undefined {
  switch (code - alertBase) {
    case alerts.unknownCa:
      return "the server's certificate is not the trusted one";
    case alerts.certificateExpired:
      return "the server's certificate is not valid now; check the clocks";
    case alerts.badCertificate:
    case alerts.certificateUnknown:
      return "the server's certificate is not for this server name";
    default:
      return undefined;
  }
}

function lost(reason: string, handshakeDone: boolean, byPeer: boolean): ConnectionClosed {
  const code = handshakeDone ? "E042_CONNECTION_LOST" : "E040_CONNECT_FAILED";
  return { code: undefined, reason, byPeer, error: new QpqError(code, { text: reason }) };
}

/** A peer's reason, in any bytes. */
function textOf(reason: Uint8Array): string {
  return printable(Buffer.from(reason).toString("latin1"));
}
