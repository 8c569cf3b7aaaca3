/** Buses of several front-ends over one real Redis, and listeners that say what they were told. */
import { setTimeout as pause } from "node:timers/promises";
import type { InboxKey } from "quicproquo-proto";
import type { HintSource, WakeupListener } from "../../src/store/port.ts";
import type { FaultyRelay } from "../../testing/faulty-relay.ts";
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

/** Of Redis behind it. */
export function urlOf({ port }: FaultyRelay): string {
  return `redis://127.0.0.1:${port}`;
}

/** What Redis pushes from channels turns into a push that the driver does not know, while all answers go through. */
export function deafen(relay: FaultyRelay): void {
  relay.spoilAnswers((chunk) => Buffer.from(chunk.toString("latin1").replaceAll("smessage", "xmessage"), "latin1"));
}
