/** A QUIC listener, dials to it and a relay between them, all closed when the test is over. */
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { closeCodes } from "../src/port.ts";
import {
  type DialledConnection,
  type DialOptions,
  dialQuic,
  type ListenOptions,
  listenQuic,
  type QuicListener,
} from "../src/quic/index.ts";
import { type RelayOptions, SeededRelay } from "../testing/index.ts";
import { makeCertificate } from "./certificate.ts";
import { echo } from "./stream-io.ts";

/** One for all tests of a file: making a key is the slowest part. */
export const trusted = await makeCertificate();

/** An echo server unless told otherwise. */
export async function startListener(test: TestContext, options: Partial<ListenOptions> = {}): Promise<QuicListener> {
  const listener = await listenQuic({
    host: "127.0.0.1",
    port: 0,
    certificate: trusted.certificate,
    privateKey: trusted.privateKey,
    alpn: ["test"],
    onConnection: echo,
    ...options,
  });
  test.after(() => listener.close(closeCodes.done, "test over"));
  return listener;
}

export async function dial(
  test: TestContext,
  to: { readonly port: number },
  options: Partial<DialOptions> = {},
): Promise<DialledConnection> {
  const connection = await dialQuic({
    host: "127.0.0.1",
    port: to.port,
    serverName: "localhost",
    alpn: ["test"],
    trust: { caCertificate: trusted.certificate },
    ...options,
  });
  test.after(() => connection.close(closeCodes.done, "test over"));
  return connection;
}

/** For one client. */
export async function openRelay(
  test: TestContext,
  to: { readonly port: number },
  options: RelayOptions = {},
): Promise<SeededRelay> {
  const relay = await SeededRelay.open(to, options);
  test.after(() => relay[Symbol.asyncDispose]());
  return relay;
}

/** Looks again each millisecond until it holds; the test's own timeout bounds it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1);
}
