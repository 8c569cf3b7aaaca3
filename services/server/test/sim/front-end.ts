/**
 * One life of a front-end: the server's own calls, domains and RPC sessions over the memory transport, a link to the
 * database and an end of the bus. It ends by a drain, as at SIGTERM, or by a crash, after which nothing of it is heard.
 */
import { type ByteStream, type Connection, closeCodes, type Listener } from "quicproquo-transport";
import type { MemoryNetwork } from "quicproquo-transport/memory";
import { AccessTokens } from "../../src/access/access-tokens.ts";
import { handshakeDone } from "../../src/calls/early-data.ts";
import { InFlight } from "../../src/calls/in-flight.ts";
import { Origin } from "../../src/calls/origin.ts";
import type { CallParts, SessionScope } from "../../src/calls/scope.ts";
import { serveSession } from "../../src/calls/serve-session.ts";
import { loadConfig } from "../../src/config.ts";
import { createDomains } from "../../src/domains.ts";
import { OpenSessions } from "../../src/ops/open-sessions.ts";
import type { Store } from "../../src/store/port.ts";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import type { BusEnd } from "./bus.ts";
import type { Conditions } from "./conditions.ts";
import type { StoreLink } from "./store-link.ts";
import type { VirtualTime } from "./virtual-time.ts";

export const token = "the simulation's token";
export const alpn = ["capnp"];

export const serverConfig = loadConfig({ args: [], env: {} });

/** Of a drain, before the rest is cut. */
const drainMs = 2_000;

/** What is changed in a front-end to see the checkers red. */
export type FrontEndPlant = {
  readonly store?: (store: Store) => Store;
  readonly session?: (scope: SessionScope) => void;
};

export type FrontEndParts = {
  readonly name: string;
  readonly time: VirtualTime;
  readonly network: MemoryNetwork;
  readonly link: StoreLink;
  readonly bus: BusEnd;
  readonly conditions: Pick<Conditions, "sweepMs" | "fetchMessagesMax">;
  readonly plant: FrontEndPlant;
  /** Something failed inside that never may. */
  readonly onInternal: (what: string) => void;
};

export class FrontEnd {
  readonly link: StoreLink;
  readonly bus: BusEnd;
  readonly domains: ReturnType<typeof createDomains>;
  isOver = false;
  readonly #parts: FrontEndParts;
  readonly #listener: Listener;
  readonly #connections = new Set<Connection>();
  readonly #sessions = new OpenSessions();
  readonly #inFlight = new InFlight();

  constructor(parts: FrontEndParts) {
    this.#parts = parts;
    this.link = parts.link;
    this.bus = parts.bus;
    const { time, conditions, onInternal, name } = parts;
    const limits = { ...serverConfig.limits, fetchMessagesMax: conditions.fetchMessagesMax };
    const settings = { ...serverConfig, limits, safetySweepMs: conditions.sweepMs, opaqueSetup: testOpaqueSetup };
    this.domains = createDomains(parts.plant.store?.(this.link) ?? this.link, settings, time.clock);
    const calls: CallParts = {
      domains: this.domains,
      access: new AccessTokens(token, this.domains),
      observer: { callEnded() {}, messagesDelivered() {}, backgroundFailed() {} },
      log: {
        info() {},
        warn() {},
        error: ({ event, error }) => onInternal(`${name} ${event}: ${String(error)}`),
        flush() {},
      },
      inFlight: this.#inFlight,
      clock: time.clock,
    };
    this.#listener = parts.network.listen({
      host: name,
      port: 0,
      alpn,
      onConnection: (connection) => this.#accept(connection, calls),
    });
    this.domains.sweep?.start();
  }

  /** Of this life, and its host. */
  get name(): string {
    return this.#parts.name;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** In the middle of whatever it does. */
  crash(): void {
    this.isOver = true;
    this.bus.die();
    for (const connection of this.#connections) connection.close(closeCodes.internal, "killed");
    this.link.die();
    this.domains.sweep?.stop();
    void this.#listener.close(closeCodes.internal, "killed");
  }

  /** In the order of src/front-end.ts. */
  async drain(): Promise<void> {
    this.#listener.refuseNew();
    this.domains.waiters.drain();
    void this.domains.subscriptions.drain(); // all at once, as here nothing else is told in time
    this.domains.sweep?.stop();
    const finished = async (): Promise<void> => {
      await this.#inFlight.idle();
      await this.#sessions.end();
    };
    await Promise.race([finished(), this.#parts.time.pause(drainMs)]);
    if (!this.isOver) this.crash();
  }

  /** What must be gone when everybody has left. */
  get left(): string {
    const { waiters, subscriptions } = this.domains;
    const counts = {
      "parked calls": waiters.size,
      deadlines: waiters.wheel.size,
      subscriptions: subscriptions.size,
      listeners: this.bus.hub.listenerCount,
      sessions: this.#sessions.size,
    };
    const left = Object.entries(counts).filter(([, count]) => count > 0);
    return left.map(([name, count]) => `${count} ${name}`).join(", ");
  }

  #accept(connection: Connection, calls: CallParts): void {
    this.#connections.add(connection);
    connection.onClose = () => this.#connections.delete(connection);
    connection.onStream = (stream) => this.#serve(stream, calls);
  }

  #serve(stream: ByteStream, calls: CallParts): void {
    const { session, scope } = serveSession(calls, stream, {
      origin: new Origin({ peer: { host: "somebody", port: 0 } }),
      handshake: handshakeDone,
      callsInFlightMax: serverConfig.callsInFlightMax,
      pushBytesMax: serverConfig.limits.pushBytesMax,
    });
    this.#parts.plant.session?.(scope);
    this.#sessions.add(session, stream);
  }
}
