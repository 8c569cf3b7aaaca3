/** Buses of several front-ends over one real Redis, and listeners that say what they were told. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { InboxKey } from "quicproquo-proto";
import type { HintSource, WakeupListener } from "../../src/store/port.ts";
import { type OpenedRedis, openRedis, type RedisOptions } from "../../src/store/redis/open.ts";

/** A deaf connection is found after some of these. */
export const probeMs = 250;

export class Buses implements AsyncDisposable {
  readonly #opened: OpenedRedis[] = [];

  async open(options: Pick<RedisOptions, "url"> & Partial<RedisOptions>): Promise<OpenedRedis> {
    const bus = await openRedis({ mode: "single", probeMs, ...options, url: options.url });
    this.#opened.push(bus);
    return bus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bus of this.#opened) await bus.close();
  }
}

/** Counts what it is told, and can be waited for. */
export class Ear implements WakeupListener {
  readonly told: Record<HintSource, number> = { hint: 0, timer: 0, reconnect: 0 };
  #waiting: (() => void)[] = [];

  onHint(source: HintSource): void {
    this.told[source]++;
    for (const look of this.#waiting.splice(0)) look();
  }

  /** Until it has been told that since `before` (its count then). */
  async hears(source: HintSource, before = this.told[source]): Promise<void> {
    while (this.told[source] <= before) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export function ear(bus: OpenedRedis, inbox: InboxKey): Ear {
  const listener = new Ear();
  void bus.wakeups.subscribe(inbox, listener);
  return listener;
}

/** Publishes again and again until it is heard: what is shown is that hints cross again, not that none was lost. */
export async function untilCrosses(from: OpenedRedis, inbox: InboxKey, to: Ear): Promise<void> {
  const before = to.told.hint;
  while (to.told.hint === before) {
    from.wakeups.publish(inbox);
    await pause(1);
  }
}

/** Resolves when it holds; the test's own time limit says when it never will. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(5);
}

/**
 * A TCP relay to Redis. It can be cut, and it can make its connections deaf: what Redis pushes from channels is turned
 * into a push that the driver does not know, while all answers go through.
 */
export class FaultyRelay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #generation = 0;
  #isCut = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port: number): Promise<FaultyRelay> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new FaultyRelay(server);
    server.on("connection", (client) => {
      if (relay.#isCut) client.destroy();
      else relay.#relay(client, connect(port, "127.0.0.1"));
    });
    return relay;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Ends the connections, and every new one at once, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** The connections of now; further ones hear. */
  deafen(): void {
    this.#generation++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }

  #relay(client: Socket, redis: Socket): void {
    const generation = this.#generation;
    client.on("data", (chunk) => redis.write(chunk));
    redis.on("data", (chunk) => {
      const isHearing = generation === this.#generation;
      client.write(
        isHearing ? chunk : Buffer.from(chunk.toString("latin1").replaceAll("smessage", "xmessage"), "latin1"),
      );
    });
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      this.#sockets.add(socket);
      // its end is told by `close`
      socket.on("error", () => undefined);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
