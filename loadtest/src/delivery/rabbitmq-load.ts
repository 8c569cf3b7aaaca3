/** Callers of publish to quorum queues, each answered by the publisher confirm of its message. */
import { type ConfirmChannel, connect } from "amqplib";
import { Workload } from "../workload.ts";
import { serveCallers, several } from "./callers.ts";

export type RabbitTask = { readonly port: number; readonly connections: number };

serveCallers(async ({ port, connections }: RabbitTask) => {
  // a queue a connection: a thousand quorum queues are a thousand Raft logs, which it is not made for
  const queueOf = (i: number): string => `inbox-${i}`;
  const channels = await several(connections, async (i) => {
    const channel = await (await connect({ hostname: "127.0.0.1", port })).createConfirmChannel();
    await channel.assertQueue(queueOf(i), { durable: true, arguments: { "x-queue-type": "quorum" } });
    return channel;
  });
  const body = Buffer.from(new Workload().payload);
  return (caller) => {
    const at = caller % connections;
    return new Promise<void>((resolve, reject) => {
      (channels[at] as ConfirmChannel).sendToQueue(queueOf(at), body, { persistent: true }, (error: unknown) =>
        error === null || error === undefined ? resolve() : reject(error as Error),
      );
    });
  };
});
