/** What a crowd's clients got beside what its senders were told: nothing may be lost. */
import { setTimeout } from "node:timers/promises";
import type { Crowd } from "./crowd.ts";
import { compareBooks, type LedgerFaults } from "./ledger.ts";
import type { Senders } from "./senders.ts";

export type Outcome = LedgerFaults & { readonly acknowledged: number; readonly received: number };

const lookMs = 100;
/** Without a message for so long, with all clients there, nothing more will come: longer than a client's pauses. */
const quietMs = 30_000;
/** A client that is away for so long does not come back. */
const awayMsMax = 300_000;

/** Waits until all that was acknowledged has come, or nothing comes any more. */
export async function outcomeOf(crowd: Crowd, senders: Senders): Promise<Outcome> {
  const { acknowledged } = await senders.sent();
  let { received } = await crowd.status();
  const startMs = performance.now();
  for (let quietFromMs = startMs; received < acknowledged; ) {
    await setTimeout(lookMs);
    const before = received;
    const { lost, back, received: now } = await crowd.status();
    received = now;
    const nowMs = performance.now();
    // who has lost its connection on a busy machine is not told anything until it has another one
    if (received > before || (back < lost && nowMs - startMs < awayMsMax)) quietFromMs = nowMs;
    else if (nowMs - quietFromMs > quietMs) break;
  }
  const compared = await compareBooks(senders.books, crowd.books);
  const { repeated, gaps } = await crowd.status();
  return { ...compared, repeated, gaps, acknowledged, received };
}

/** In words; none when all is as promised. */
export function failuresOf(outcome: Outcome): readonly string[] {
  const { lost, altered, repeated, gaps } = outcome;
  return Object.entries({ lost, altered, repeated, gaps })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} messages ${name} of ${outcome.acknowledged} acknowledged`);
}
