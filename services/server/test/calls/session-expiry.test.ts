/** A Session ends with its token: its calls are refused, its subscriptions are told. Over the transport in memory. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { parseIdentityKey, QpqError } from "quicproquo-proto";
import { RpcSession } from "quicproquo-rpc";
import { createMemoryNetwork } from "quicproquo-transport/memory";
import { EarlyDataGate, handshakeDone } from "../../src/calls/early-data.ts";
import { exceptionOf } from "../../src/calls/interface-server.ts";
import { nodeService } from "../../src/calls/node-service.ts";
import { loadConfig } from "../../src/config.ts";
import { LeaseBook } from "../../src/delivery/lease-book.ts";
import { PushBudget } from "../../src/delivery/push-budget.ts";
import { createDomains } from "../../src/domains.ts";
import { InFlight } from "../../src/calls/in-flight.ts";
import { createLog } from "../../src/observe/log.ts";
import { createMemoryStore } from "../../src/store/index.ts";
import { RawSession, TestSink, told } from "../e2e/raw-session.ts";

const startedAtMs = 1_700_000_000_000;
const lifeMs = 60_000;

test("at the token's end every subscription is told E005_SESSION_EXPIRED and every call of the Session is refused with it", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: startedAtMs });
  const clock = (): number => Date.now();
  const config = loadConfig({ args: [], env: {} });
  const store = createMemoryStore({
    limits: { queueDepthMax: 10, dedupeWindowMs: 1e9, groupLifeMs: 1e9, appendsInFlightMax: 100 },
    clock,
  });
  const key = parseIdentityKey(new Uint8Array(32));
  const expiresAtMs = startedAtMs + lifeMs;
  const caller = {
    kind: "session",
    sender: key,
    account: key,
    actsFor: key,
    tokenHash: undefined,
    expiresAtMs,
  } as const;
  const parts = {
    domains: createDomains(store, config, clock),
    access: { authenticate: () => caller },
    observer: { callEnded() {}, messagesDelivered() {}, backgroundFailed() {} },
    log: createLog("silent"),
    inFlight: new InFlight(),
    clock,
  };
  const network = createMemoryNetwork();
  const onConnection = (connection: { onStream: unknown }): void => {
    connection.onStream = (stream: ConstructorParameters<typeof RpcSession>[0]) => {
      const scope = {
        peer: () => ({ host: "here", port: 1 }),
        leases: new LeaseBook(() => {}),
        pushBudget: new PushBudget(1_000_000),
        earlyData: new EarlyDataGate(handshakeDone),
        abandon: () => {},
      };
      new RpcSession(stream, { bootstrap: nodeService(parts, scope), errorToException: exceptionOf });
    };
  };
  network.listen({ host: "here", port: 7_000, alpn: ["capnp"], onConnection });
  const connection = await network.dial({ host: "here", port: 7_000, alpn: ["capnp"] });
  using rpc = new RpcSession(connection.openStream());
  using session = new RawSession(rpc.bootstrap(), "token");
  const inbox = session.inbox(new Uint8Array(32));
  const sink = new TestSink();
  await inbox.subscribe(sink);
  mock.timers.tick(lifeMs - 1);
  await inbox.ack(0n);
  assert.equal(sink.isEnded, false);
  mock.timers.tick(1);
  await sink.until(() => sink.isEnded);
  assert.equal(sink.ended?.code, "E005_SESSION_EXPIRED");
  const refused = (error: unknown): boolean => error instanceof QpqError && error.code === "E005_SESSION_EXPIRED";
  await assert.rejects(inbox.ack(0n), refused);
  await assert.rejects(session.send([]), refused);
  await assert.rejects(
    told(() => session.inbox(new Uint8Array(32)).answer),
    refused,
  );
  await assert.rejects(
    told(() => inbox.subscribe(new TestSink())),
    refused,
  );
  assert.equal(parts.domains.subscriptions.size, 0);
});
