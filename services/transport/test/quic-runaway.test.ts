/**
 * The library can give out packets without end (after a close with a probe of the handshake pending; CVE-2025-7054 is
 * of the kind). It cannot be held there at will, so three of its answers are replaced; everything else is real.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { it, type TestContext } from "node:test";
import { closeCodes, type ConnectionClosed } from "../src/port.ts";
import { clientConfig } from "../src/quic/config.ts";
import { QuicConnection } from "../src/quic/connection.ts";
import type { ConnectionOwner } from "../src/quic/connection-owner.ts";
import { Endpoint } from "../src/quic/endpoint.ts";
import { type NativeConnection, quiche } from "../src/quic/native.ts";
import { resolveQuicLimits } from "../src/quic/quic-limits.ts";
import { startListener, trusted, until } from "./quic-pair.ts";

const limits = resolveQuicLimits({ packetsPerFlushMax: 10 });

async function runaway(test: TestContext) {
  const peer = { host: "127.0.0.1", port: (await startListener(test)).port };
  const options = { host: "127.0.0.1", port: 0, socketBufferBytes: limits.socketBufferBytes, connectTo: peer };
  const endpoint = await Endpoint.open(options);
  test.after(() => endpoint.close());
  const config = clientConfig({
    trust: { caCertificate: trusted.certificate },
    alpn: ["test"],
    limits,
    earlyData: false,
  });
  const real = quiche.Connection.connect("localhost", randomBytes(20), endpoint.local, peer, config);
  const endless: Partial<Record<keyof NativeConnection, () => unknown>> = {
    send: () => [20, { to: peer }],
    timeout: () => 0,
    isClosed: () => false,
  };
  const native = new Proxy<NativeConnection>(real, {
    get: (target, name: keyof NativeConnection) => {
      if (name in endless) return endless[name];
      return (...parameters: readonly unknown[]) => Reflect.apply(target[name], target, parameters);
    },
  });
  const ends: ConnectionClosed[] = [];
  const disposed = Promise.withResolvers<void>();
  const owner: ConnectionOwner = {
    ready: () => {},
    established: () => {},
    newId: () => ({ id: randomBytes(20), resetToken: 0n }),
    closed: (_connection, closed) => void ends.push(closed),
    disposed: () => disposed.resolve(),
    fault: (error) => disposed.reject(error),
  };
  const shared = { native, limits, owner, peer, link: { endpoint, local: endpoint.local } };
  return {
    connection: new QuicConnection({ ...shared, role: "client", earlyData: false, bytesIn: 0 }),
    endpoint,
    ends,
    disposed: disposed.promise,
  };
}

it("lets others have their turn while a connection sends without end", async (test) => {
  const { connection, endpoint, disposed } = await runaway(test);
  connection.mark();
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (turns < 10) setImmediate(count);
  };
  setImmediate(count);
  await until(() => turns === 10);
  assert.ok(endpoint.datagramsOut > 0);
  connection.close(closeCodes.done, "enough");
  await disposed;
});

it("drops a connection that sends without end after its close", async (test) => {
  const { connection, endpoint, ends, disposed } = await runaway(test);
  connection.close(closeCodes.shuttingDown, "enough");
  await disposed;
  assert.ok(endpoint.datagramsOut <= 40, `${endpoint.datagramsOut} datagrams`);
  assert.deepEqual(
    ends.map(({ code }) => code),
    [closeCodes.shuttingDown],
  );
});
