/** Readers by subscription of all inboxes of a load: how long after its sending each message is with its reader. */
import { answerParent } from "../answer-parent.ts";
import { percentile } from "../report.ts";
import { recipientsOf } from "../workload.ts";
import { type ClientsTask, connectClients } from "./clients.ts";
import { stampOf } from "./stamp.ts";

export type SubscribeTask = ClientsTask & { readonly inboxes: string };

export type Latencies = { readonly count: number; readonly p50Ms: number; readonly p99Ms: number };

const nsPerMs = 1e6;
let latenciesMs: number[] = [];
/** Of messages that were sent before it nothing is kept. */
let fromNs = 0n;
let received = 0;
let onReceived: () => void = () => undefined;

answerParent({
  /** Answers when every subscription has been told where its inbox stands. */
  subscribe: async ({ inboxes, ...task }: SubscribeTask) => {
    const clients = await connectClients(task);
    const sessions = clients.map(({ node, token }) => node.openSession(token));
    const told = recipientsOf(inboxes).map(async (recipientKey, i) => {
      const session = sessions[i % sessions.length] as (typeof sessions)[number];
      const first = Promise.withResolvers<void>();
      session.inbox(recipientKey).subscribe(
        { after: 0n, storeEpoch: 0n },
        {
          deliver(envelopes) {
            first.resolve();
            for (const { data } of envelopes) take(data);
            onReceived();
          },
          end(error) {
            throw error; // what is measured without it would mean something else
          },
        },
      );
      await first.promise;
    });
    await Promise.all(told);
  },
  begin: () => {
    latenciesMs = [];
    fromNs = process.hrtime.bigint();
  },
  /** Of what was sent since `begin`, when `total` have come since the start. */
  latencies: async ({ total }: { readonly total: number }): Promise<Latencies> => {
    const all = Promise.withResolvers<void>();
    onReceived = () => {
      if (received >= total) all.resolve();
    };
    onReceived();
    await all.promise;
    const sorted = latenciesMs.sort((a, b) => a - b);
    return { count: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
  },
});

function take(payload: Uint8Array): void {
  received++;
  const stamp = stampOf(payload);
  if (stamp >= fromNs) latenciesMs.push(Number(process.hrtime.bigint() - stamp) / nsPerMs);
}
