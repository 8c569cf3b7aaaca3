/** QUIC behind the transport port. */
export type { Certificate, CertificatePair, Trust } from "../trust.ts";
export type { Routing } from "./connection-id.ts";
export { type DialledConnection, type DialOptions, dialQuic } from "./dial.ts";
export { type ListenOptions, listenQuic, type QuicListener } from "./listen.ts";
export type { HostPort } from "./native.ts";
export { type QuicLimits, quicLimits, resolveQuicLimits } from "./quic-limits.ts";
export type { OnStray } from "./strays.ts";
