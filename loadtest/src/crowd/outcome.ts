/** What a crowd's clients got beside what its senders were told: nothing may be lost. */
import { setTimeout } from "node:timers/promises";
import type { Crowd } from "./crowd.ts";
import { compareBooks, type LedgerFaults } from "./ledger.ts";
import type { Senders } from "./senders.ts";

export type Outcome = LedgerFaults & { readonly acknowledged: number; readonly received: number };

const lookMs = 100;
/** Without a message for so long nothing more will come: longer than a client's silence and the pauses behind it. */
const quietMs = 30_000;

/** Waits until all that was acknowledged has come, or nothing comes any more. */
export async function outcomeOf(crowd: Crowd, senders: Senders): Promise<Outcome> {
  const { acknowledged } = await senders.sent();
  let { received } = await crowd.status();
  for (let quietFromMs = performance.now(); received < acknowledged; ) {
    await setTimeout(lookMs);
    const before = received;
    ({ received } = await crowd.status());
    if (received > before) quietFromMs = performance.now();
    else if (performance.now() - quietFromMs > quietMs) break;
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
