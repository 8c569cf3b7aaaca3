/**
 * Callers of JetStream's publish, acknowledged by the stream: a subject an inbox, spread over streams. Its batches are for others:
 * an atomic one is one sender's, and fast ingest acknowledges progress, not a message. With `equal` it also keeps a message
 * once an id and a depth a subject.
 */
import { DiscardPolicy, type JetStreamClient, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, type ConnectionOptions, type NatsConnection } from "@nats-io/transport-node";
import { inboxCount, queueDepthMax, Workload } from "../workload.ts";
import { several } from "./callers.ts";
import { type BrokerTask, serveBroker, tlsOf } from "./target.ts";

export type NatsTask = BrokerTask & { readonly streams: number; readonly equal?: boolean };

const nsPerMs = 1_000_000;
/** As long and as deep as our server's. */
const guarantees = {
  duplicate_window: 7 * 86_400_000 * nsPerMs,
  discard: DiscardPolicy.New,
  discard_new_per_subject: true,
  max_msgs_per_subject: queueDepthMax,
};

serveBroker(async (task: NatsTask) => {
  const { port, connections, streams, equal = false } = task;
  // its type has no servername, its transport hands all on to node:tls
  const tls = tlsOf(task) as ConnectionOptions["tls"];
  const options = { servers: `127.0.0.1:${port}`, ...(tls !== undefined && { tls }) };
  const clients = await several(connections, () => connect(options));
  const [first] = clients as [NatsConnection, ...NatsConnection[]];
  const manager = await jetstreamManager(first);
  const names = Array.from({ length: streams }, (_, i) => `inboxes-${i}`);
  for (const [i, name] of names.entries()) {
    const config = { name, subjects: [`inbox.${i}.*`], storage: StorageType.File };
    await manager.streams.add({ ...config, ...(equal && guarantees) });
  }
  const publishers = clients.map((client) => jetstream(client));
  const keys = new Workload();
  let count = 0;
  return {
    send(caller, payload) {
      const inbox = count++ % inboxCount;
      const subject = `inbox.${inbox % streams}.${inbox}`;
      const once = equal ? { msgID: Buffer.from(keys.next().idempotencyKey).toString("base64") } : {};
      return (publishers[caller % connections] as JetStreamClient).publish(subject, payload, once);
    },
    async stored() {
      const infos = await Promise.all(names.map((name) => manager.streams.info(name)));
      return infos.reduce((sum, { state }) => sum + state.messages, 0);
    },
    clear: () => Promise.all(names.map((name) => manager.streams.purge(name))),
    socket: socketOf(first),
  };
});

/** The library has no word for it. */
function socketOf(client: NatsConnection): object {
  return (client as unknown as { readonly protocol: { readonly transport: { readonly socket: object } } }).protocol
    .transport.socket;
}
