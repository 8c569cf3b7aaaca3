/**
 * A worker process: one front-end of several on the same ports, over the store that another process owns, or over the
 * cluster's.
 */
import { type ConfiguredStore, openConfiguredStore } from "../configured-store.ts";
import { connectStore } from "../store/index.ts";
import { type FrontEnd, startFrontEnd } from "../front-end.ts";
import type { Log } from "../observe/log.ts";
import { Sweeper } from "../ops/sweeper.ts";
import { type Running, runChild } from "./child-side.ts";
import { socketOf, type WorkerTask } from "./messages.ts";
import { Siblings } from "./siblings.ts";

runChild<WorkerTask>(startWorker, { drainsOnTerm: true });

async function startWorker(task: WorkerTask, log: Log): Promise<Running> {
  const { config, serverId, workerId, ...parts } = task;
  await using started = new AsyncDisposableStack();
  const store: ConfiguredStore =
    config.cluster === undefined
      ? await connectStore({ path: socketOf.store, limits: config })
      : await openConfiguredStore(config, Date.now);
  started.defer(() => store.close());
  let frontEnd: FrontEnd | undefined;
  const siblings = await Siblings.open({
    folder: ".",
    workerId,
    workers: config.processes.workers,
    // until the port is open nobody can have anything for it
    onDatagram: (datagram, from) => frontEnd?.inject(datagram, from),
  });
  started.defer(() => siblings.close());
  frontEnd = await startFrontEnd({
    ...parts,
    config,
    log,
    clock: Date.now,
    store,
    storeParts: store.parts,
    routing: { serverId, workerId },
    siblings: {
      onStray: (datagram, from, workerId) => siblings.handOn(datagram, from, workerId),
      stats: () => ({ straysDropped: siblings.dropped }),
    },
  });
  const { observer } = frontEnd;
  // the store's process sweeps its file; in the cluster's database each sweeps what no other is at
  if (config.cluster !== undefined) {
    const sweeper = new Sweeper(store.log, observer);
    started.defer(() => sweeper.stop());
  }
  started.defer(() => frontEnd.close());
  const owned = started.move();
  return {
    ready: () => frontEnd.ready(),
    parts: () => store.parts?.() ?? {},
    metrics: () => observer.snapshot(),
    setCertificate: (certificate) => frontEnd.setCertificate(certificate),
    setLimits: (limits) => frontEnd.setLimits(limits),
    close: () => owned.disposeAsync(),
  };
}
