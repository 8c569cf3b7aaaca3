/** The real NodeService over the store in memory, as server.ts composes it, without sockets and with a clock that stands. */
import type { LimitName } from "quicproquo-proto";
import type { RpcSession, RpcByteStream } from "quicproquo-rpc";
import { Finding } from "quicproquo-rpc/fuzz";
import { AccessTokens } from "../src/access/access-tokens.ts";
import { type Handshake, handshakeDone } from "../src/calls/early-data.ts";
import { Origin } from "../src/calls/origin.ts";
import { InFlight } from "../src/calls/in-flight.ts";
import type { CallParts } from "../src/calls/scope.ts";
import { serveSession } from "../src/calls/serve-session.ts";
import { loadConfig } from "../src/config.ts";
import type { PushBudget } from "../src/delivery/push-budget.ts";
import { createDomains } from "../src/domains.ts";
import type { WakeupHub } from "../src/store/hub.ts";
import { createMemoryStore, type MessageLog, type Store } from "../src/store/index.ts";
import { testOpaqueSetup } from "../testing/opaque-setup.ts";

/** Of a world that stands still: nothing in a run depends on the time it takes. */
const nowMs = 1_700_000_000_000;

const config = loadConfig({ args: [], env: {} });

/** Limits that a few messages meet. */
const tightLimits: Partial<Record<LimitName, number>> = {
  payloadBytesMax: 100,
  queueDepthMax: 3,
  batchRecipientsMax: 2,
  keyPackageBytesMax: 100,
  keyPackagePoolMax: 2,
  fetchMessagesMax: 2,
  answerBytesMax: 100,
  groupIdBytesMax: 16,
  hybridKeysMax: 2,
  subscribeWindowMax: 2,
  subscribeWindowBytesMax: 100,
  pushBytesMax: 150,
};

export type FrontEndOptions = { readonly token: string; readonly isTight: boolean };

export class FrontEnd {
  readonly store: Store;
  /** Calls of the store that write. */
  writes = 0;
  readonly #domains: ReturnType<typeof createDomains>;
  readonly #parts: CallParts;
  readonly #callsInFlightMax: number;
  readonly #budgets: PushBudget[] = [];
  #isIdle = false;
  #failure: Finding | undefined;

  constructor({ token, isTight }: FrontEndOptions) {
    const limits = { ...config.limits, ...(isTight ? tightLimits : {}) };
    this.store = createMemoryStore({
      limits: {
        queueDepthMax: limits.queueDepthMax,
        dedupeWindowMs: limits.dedupeWindowSecs * 1_000,
        groupLifeMs: limits.groupLifeSecs * 1_000,
        appendsInFlightMax: config.appendsInFlightMax, // shared with the honest session
      },
      clock: () => nowMs,
    });
    const opaqueSetup = testOpaqueSetup;
    const settings = {
      ...config,
      opaqueSetup,
      limits,
      waitersMax: isTight ? 2 : 100,
      subscriptionsMax: isTight ? 2 : 100,
    };
    this.#domains = createDomains({ ...this.store, log: this.#counted(this.store.log) }, settings, () => nowMs);
    this.#callsInFlightMax = isTight ? 8 : config.callsInFlightMax;
    this.#parts = {
      domains: this.#domains,
      access: new AccessTokens(token, this.#domains),
      observer: {
        callEnded() {},
        messagesDelivered() {},
        backgroundFailed: (work, code) => this.#failed(`${work} failed with ${code}`),
      },
      log: {
        info() {},
        warn() {},
        error: ({ method, error }) => this.#failed(`${method} failed inside`, error),
        flush() {},
      },
      inFlight: new InFlight(),
      clock: () => nowMs,
    };
  }

  serve(stream: RpcByteStream, handshake: Handshake = handshakeDone): RpcSession {
    const { session, scope } = serveSession(this.#parts, stream, {
      origin: new Origin({ peer: { host: "somebody", port: 0 } }),
      handshake,
      callsInFlightMax: this.#callsInFlightMax,
      pushBytesMax: tightLimits.pushBytesMax ?? 0,
    });
    this.#budgets.push(scope.pushBudget);
    return session;
  }

  /** All sessions are over. */
  letGo(): void {
    void this.#parts.inFlight.idle().then(() => (this.#isIdle = true));
  }

  /** Throws Finding. A turn after `letGo`. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
    const left = {
      "parked calls": this.#domains.waiters.size,
      deadlines: this.#domains.waiters.wheel.size,
      subscriptions: this.#domains.subscriptions.size,
      listeners: (this.store.wakeups as WakeupHub).listenerCount,
      "bytes of pushes": this.#budgets.reduce((sum, { bytes }) => sum + bytes, 0),
      "calls in flight": this.#isIdle ? 0 : 1,
    };
    for (const [name, count] of Object.entries(left)) {
      if (count !== 0) throw new Finding("leak", `${count} ${name} are left without a session`);
    }
  }

  #failed(text: string, cause?: unknown): void {
    this.#failure ??= new Finding("internal", `${text}: ${String(cause)}`, { cause });
  }

  #counted(log: MessageLog): MessageLog {
    const counting = <A extends unknown[], R>(call: (...args: A) => R) => {
      return (...args: A): R => {
        this.writes++;
        return call(...args);
      };
    };
    return {
      ...log,
      append: counting(log.append),
      appendAll: counting(log.appendAll),
      commitGroup: counting(log.commitGroup),
      ack: counting(log.ack),
    };
  }
}
