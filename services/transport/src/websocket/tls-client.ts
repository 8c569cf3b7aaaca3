/** Opens a TLS 1.3 connection and checks the server's certificate before a byte of HTTP is sent. */
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { QpqError } from "quicproquo-proto";
import { isPinned, pemOf, type Trust } from "../trust.ts";
import { httpAlpn } from "./upgrade.ts";

export type TlsOptions = {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  readonly trust: Trust;
};

/**
 * Rejects with E041_CERTIFICATE or E040_CONNECT_FAILED, and with the signal's reason once it is aborted; the socket is
 * destroyed then.
 */
export function connectTls(options: TlsOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const { host, port, serverName, trust } = options;
  const socket = connect({
    host,
    port,
    servername: serverName,
    minVersion: "TLSv1.3",
    ALPNProtocols: [httpAlpn],
    ...trustOptions(trust),
  });
  const onAbort = (): void => void socket.destroy(signal.reason);
  socket.on("error", (error) => reject(signal.aborted ? signal.reason : connectError(error)));
  socket.once("close", () => reject(new QpqError("E040_CONNECT_FAILED", { text: "the server refused the handshake" })));
  socket.once("secureConnect", () => {
    if ("pins" in trust && !isPinned(socket.getPeerX509Certificate()?.raw, trust.pins)) {
      reject(new QpqError("E041_CERTIFICATE", { text: "the server's key is not one of the pinned ones" }));
      socket.destroy();
    } else {
      resolve(socket);
    }
  });
  signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}

function trustOptions(trust: Trust): ConnectionOptions {
  // With a pin the handshake proves that the server has the key, and isPinned that it is the right one.
  if ("pins" in trust) return { rejectUnauthorized: false };
  if ("systemRoots" in trust) return {};
  return { ca: pemOf(trust.caCertificate, "CERTIFICATE"), allowPartialTrustChain: true };
}

function connectError(cause: Error): QpqError {
  const code = "code" in cause ? String(cause.code) : "";
  const refused = certificateText(code);
  if (refused !== undefined) return new QpqError("E041_CERTIFICATE", { text: refused, cause });
  return new QpqError("E040_CONNECT_FAILED", { text: networkText(code), cause });
}

/** The names of OpenSSL's X509_V_ERR_ codes and of Node's own check. */
function certificateText(code: string): string | undefined {
  switch (code) {
    case "CERT_HAS_EXPIRED":
    case "CERT_NOT_YET_VALID":
      return "the server's certificate is not valid now; check the clocks";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "HOSTNAME_MISMATCH":
      return "the server's certificate is not for this server name";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_SIGNATURE_FAILURE":
    case "CERT_UNTRUSTED":
    case "CERT_REJECTED":
    case "INVALID_CA":
    case "INVALID_PURPOSE":
      return "the server's certificate is not the trusted one";
    default:
      return undefined;
  }
}

function networkText(code: string): string {
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the server's name cannot be resolved";
    case "ECONNREFUSED":
      return "nothing listens at this address";
    case "ECONNRESET":
    case "EPIPE":
      return "the server refused the handshake";
    default:
      return code.startsWith("ERR_SSL") ? "the TLS handshake failed" : "the network refused the connection";
  }
}
