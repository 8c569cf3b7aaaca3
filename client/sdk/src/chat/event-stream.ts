/**
 * The endless part of `sync`: events as they come, between reads of the inbox. An event is taken when its reader asks for
 * the next one, or stops; after a crash before that it comes again.
 */
import type { ChatEvent } from "./chat-event.ts";
import type { EventLog } from "./event-log.ts";

export type EventStreamOptions = {
  readonly events: EventLog;
  /** One read and the upkeep after it. false: nothing came. */
  readonly round: (signal: AbortSignal) => Promise<boolean>;
  /** Go on when nothing comes any more. */
  readonly follow: boolean;
  readonly signal: AbortSignal | undefined;
};

export async function* eventStream(options: EventStreamOptions): AsyncGenerator<ChatEvent, void, void> {
  const { events, follow } = options;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let round: Promise<boolean> | undefined;
  try {
    for (;;) {
      yield* waiting(events);
      await events.forgetTaken();
      if (signal.aborted) return;
      round ??= options.round(signal);
      // what other calls of this client tell of should not wait for the end of a long poll
      const outcome = await Promise.race([round, events.arrival.then(() => "event" as const)]);
      if (outcome === "event") continue;
      round = undefined;
      if (!outcome && !follow && events.peek() === undefined) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort();
    // its outcome is nobody's any more; what it was about stands in the records
    await round?.catch(() => {});
    await events.forgetTaken();
  }
}

function* waiting(events: EventLog): Generator<ChatEvent, void, void> {
  for (;;) {
    const event = events.peek();
    if (event === undefined) return;
    try {
      yield event;
    } finally {
      events.take(event);
    }
  }
}
