/** Callers of publish to quorum queues, each answered by the publisher confirm of its message. */
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { several } from "./callers.ts";
import { type BrokerTask, serveBroker, tlsOf } from "./target.ts";

export type RabbitTask = BrokerTask;

serveBroker(async (task: RabbitTask) => {
  const { port, connections } = task;
  const tls = tlsOf(task);
  // a queue a connection: a thousand quorum queues are a thousand Raft logs, which it is not made for
  const queueOf = (i: number): string => `inbox-${i}`;
  const where = { protocol: tls === undefined ? "amqp" : "amqps", hostname: "127.0.0.1", port };
  const sides = await several(connections, async (i) => {
    const connection = await connect(where, tls);
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(queueOf(i), { durable: true, arguments: { "x-queue-type": "quorum" } });
    return { connection, channel };
  });
  const [{ connection, channel: first }] = sides as [(typeof sides)[number]];
  const ofAll = async (ask: (queue: string) => Promise<number>): Promise<number> => {
    const counts = await Promise.all(sides.map((_, i) => ask(queueOf(i))));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  return {
    send(caller, payload) {
      const at = caller % connections;
      return new Promise<void>((resolve, reject) => {
        const { channel } = sides[at] as { channel: ConfirmChannel };
        channel.sendToQueue(queueOf(at), payload, { persistent: true }, (error: unknown) =>
          error === null || error === undefined ? resolve() : reject(error as Error),
        );
      });
    },
    stored: () => ofAll(async (queue) => (await first.checkQueue(queue)).messageCount),
    clear: () => ofAll(async (queue) => (await first.purgeQueue(queue)).messageCount),
    socket: socketOf(connection),
  };
});

/** The library's types have no word for it. */
function socketOf({ connection }: ChannelModel): object {
  return (connection as unknown as { readonly stream: object }).stream;
}
