/** Callers of JetStream's publish, acknowledged by the stream: one stream, a subject an inbox. */
import { type JetStreamClient, jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { inboxCount, Workload } from "../workload.ts";
import { serveCallers, several } from "./callers.ts";

export type NatsTask = { readonly port: number; readonly connections: number };

serveCallers(async ({ port, connections }: NatsTask) => {
  const clients = await several(connections, () => connect({ servers: `127.0.0.1:${port}` }));
  const [first] = clients;
  if (first === undefined) throw new Error("no connection");
  const manager = await jetstreamManager(first);
  await manager.streams.add({ name: "inboxes", subjects: ["inbox.*"], storage: StorageType.File });
  const streams = clients.map((client) => jetstream(client));
  const { payload } = new Workload();
  let count = 0;
  return (caller) =>
    (streams[caller % connections] as JetStreamClient).publish(`inbox.${count++ % inboxCount}`, payload);
});
