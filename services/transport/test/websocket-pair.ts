/** A WebSocket listener and dials to it, all closed when the test is over. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { type Connection, closeCodes } from "../src/port.ts";
import {
  dialWebSocket,
  listenWebSocket,
  type WebSocketDialOptions,
  type WebSocketListener,
  type WebSocketListenOptions,
} from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { echo, roundTrip } from "./stream-io.ts";

/** One for all tests of a file: making a key is the slowest part. */
export const trusted = await makeCertificate();

/** An echo server unless told otherwise. */
export async function startListener(
  test: TestContext,
  options: Partial<WebSocketListenOptions> = {},
): Promise<WebSocketListener> {
  const listener = await listenWebSocket({
    host: "127.0.0.1",
    port: 0,
    certificate: trusted.certificate,
    privateKey: trusted.privateKey,
    onConnection: echo,
    ...options,
    limits: { closeMsMax: 100, ...options.limits }, // for clients that never answer a close
  });
  test.after(() => listener.close(closeCodes.done, "test over"));
  return listener;
}

export async function dial(
  test: TestContext,
  to: { readonly port: number },
  options: Partial<WebSocketDialOptions> = {},
): Promise<Connection> {
  const connection = await dialWebSocket({
    host: "127.0.0.1",
    port: to.port,
    serverName: "localhost",
    trust: { caCertificate: trusted.certificate },
    ...options,
  });
  test.after(() => connection.close(closeCodes.done, "test over"));
  return connection;
}

/** A listener with a client that must not notice anything. */
export async function startWithBystander(test: TestContext, options: Partial<WebSocketListenOptions> = {}) {
  const listener = await startListener(test, options);
  const bystander = await dial(test, listener);
  const unharmed = async (): Promise<void> => assert.equal(await roundTrip(bystander, "unharmed"), "unharmed");
  return { listener, unharmed };
}

/** Looks again each millisecond until it holds; the test's own timeout bounds it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(1);
}
