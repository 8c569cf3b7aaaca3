/**
 * Makes the native Config, one for all connections of a listener and one a dialled connection, but for those that trust
 * the system's roots. How large datagrams may be is set for each connection, by its peer's address (datagram-size.ts).
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { getCACertificates } from "node:tls";
import { QpqError } from "quicproquo-proto";
import { type CertificatePair, pemOf, type Trust } from "../trust.ts";
import { type NativeConfig, quiche } from "./native.ts";
import type { QuicLimits } from "./quic-limits.ts";
import { ackDelayMsMax } from "./turn.ts";

export type ServerConfigOptions = CertificatePair & {
  readonly alpn: readonly string[];
  readonly limits: QuicLimits;
  /** 48 bytes: every server with the same key resumes the sessions of the others. */
  readonly ticketKey: Uint8Array | undefined;
  readonly earlyData: boolean;
};

export type ClientConfigOptions = {
  readonly trust: Trust;
  readonly alpn: readonly string[];
  readonly limits: QuicLimits;
  /** Send early data when a session allows it. */
  readonly earlyData: boolean;
};

// BoringSSL's own list leaves ed25519 out, and with it every server that has an Ed25519 certificate.
const signatureAlgorithms = [
  "ed25519",
  "ecdsa_secp256r1_sha256",
  "ecdsa_secp384r1_sha384",
  "rsa_pss_rsae_sha256",
  "rsa_pss_rsae_sha384",
  "rsa_pss_rsae_sha512",
].join(":");

const ticketKeyBytes = 48;

export function serverConfig(options: ServerConfigOptions): NativeConfig {
  const key = pemOf(options.privateKey, "PRIVATE KEY");
  const certificate = pemOf(options.certificate, "CERTIFICATE");
  return attempt("the certificate and its private key cannot be used", () => {
    // BoringSSL takes a pair that does not fit together, and then fails every handshake.
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))) throw new Error("another key");
    // The server asks for no client certificate: the binding can only require one or not ask.
    const config = quiche.Config.withBoringSslCtx(false, false, undefined, [key], [certificate], signatureAlgorithms);
    configure(config, options.alpn, options.limits);
    if (options.ticketKey !== undefined) setTicketKey(config, options.ticketKey);
    if (options.earlyData) config.enableEarlyData();
    return config;
  });
}

/** For handshakes that begin from now on; those under way may fail to resume. */
export function setTicketKey(config: NativeConfig, key: Uint8Array): void {
  if (key.length !== ticketKeyBytes) throw new QpqError("E046_CONFIG", { text: "a ticket key has 48 bytes" });
  config.setTicketKey(key);
}

/** The last with the system's roots, which takes 9 ms and 1.2 MiB; others take 20 us and are made anew. */
let withSystemRoots:
  | { readonly roots: readonly string[]; readonly settings: string; readonly config: NativeConfig }
  | undefined;

/** With pins the handshake proves only that the server has the key: who dials checks which. */
export function clientConfig(options: ClientConfigOptions): NativeConfig {
  const { trust, ...rest } = options;
  if (!("systemRoots" in trust)) return newClientConfig(options);
  const roots = getCACertificates("default"); // the same array until somebody sets others
  const settings = JSON.stringify(rest);
  if (withSystemRoots?.roots !== roots || withSystemRoots.settings !== settings) {
    withSystemRoots = { roots, settings, config: newClientConfig(options) };
  }
  return withSystemRoots.config;
}

function newClientConfig({ trust, ...options }: ClientConfigOptions): NativeConfig {
  return attempt("the trusted certificate cannot be used", () => {
    const anyKey = "pins" in trust;
    const ca = anyKey ? undefined : authoritiesOf(trust);
    const config = quiche.Config.withBoringSslCtx(true, anyKey, ca, undefined, undefined, signatureAlgorithms);
    configure(config, options.alpn, options.limits);
    if (options.earlyData) config.enableEarlyData();
    return config;
  });
}

function authoritiesOf(trust: Exclude<Trust, { readonly pins: unknown }>): Buffer {
  if ("caCertificate" in trust) return pemOf(trust.caCertificate, "CERTIFICATE");
  return Buffer.from(getCACertificates("default").join("\n"));
}

function configure(config: NativeConfig, alpn: readonly string[], limits: QuicLimits): void {
  config.setApplicationProtos([...alpn]);
  config.setMaxAckDelay(ackDelayMsMax);
  config.setMaxIdleTimeout(limits.idleMs);
  config.setMaxRecvUdpPayloadSize(65_527); // we read any size; what a peer sends is its affair
  config.setInitialMaxData(limits.connectionWindowBytes);
  config.setInitialMaxStreamDataBidiLocal(limits.streamWindowBytes);
  config.setInitialMaxStreamDataBidiRemote(limits.streamWindowBytes);
  // The library grows windows up to 16 and 24 MiB by itself: then a slow reader would cost that much.
  config.setMaxStreamWindow(limits.streamWindowBytes);
  config.setMaxConnectionWindow(limits.connectionWindowBytes);
  config.setInitialMaxStreamsBidi(limits.streamsMax);
  config.setInitialMaxStreamsUni(0);
  config.setActiveConnectionIdLimit(limits.pathsMax); // to the library it is the limit of paths too
  // 1,000 messages at 20 % loss: CUBIC, the library's default, stalls for 8 s and more at its window of two packets, where
  // every loss is found by a timer; BBR takes 0.5 to 0.8 s in all. Bulk at 5 % loss: 5.7 MB/s instead of 0.8.
  config.setCcAlgorithmName("bbr");
  config.enablePacing(false); // the send time it would return is opaque to JavaScript
}

function attempt(text: string, make: () => NativeConfig): NativeConfig {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof QpqError) throw cause;
    throw new QpqError("E046_CONFIG", { text, cause });
  }
}
