/** The faults of a trial: each breaks something, waits, and has it whole again when it resolves. */
import { setTimeout as pause } from "node:timers/promises";
import type { FrontEnd, Side } from "./front-end.ts";
import type { World } from "./world.ts";

type FaultParts = {
  readonly world: World;
  /** From 0 to 1, by the trial's seed. */
  readonly random: () => number;
  /** For the time line: what is broken now. */
  readonly tell: (what: string) => void;
};

type Fault = (parts: FaultParts) => Promise<void>;

/** One at a time: they take the database's servers apart. */
const ofDatabase = {
  async restartDatabase({ world, tell }) {
    tell("immediate restart of Postgres");
    await world.database.restart();
  },
  async failOver({ world, tell }) {
    tell("SIGKILL of the primary, the standby is promoted");
    await world.database.failOver();
  },
  /** Commits wait for it. */
  async restartStandby({ world, random, tell }) {
    tell("the standby is away");
    await world.database.withoutStandby(() => pause(between(500, 4_000, random)));
  },
  async lockTables({ world, tell }) {
    tell("a table lock of 3 s");
    await world.database.lockTables(3);
  },
} as const satisfies Record<string, Fault>;

const ofRedis = {
  async flushRedis({ world, tell }) {
    tell("FLUSHALL");
    world.redis.command("FLUSHALL");
  },
  async killRedis({ world, random, tell }) {
    tell("SIGKILL of Redis");
    await world.redis.kill();
    await pause(between(100, 3_000, random));
    await world.redis.startAgain();
  },
  cutRedis: cut("redis"),
} as const satisfies Record<string, Fault>;

const ofFrontEnds = {
  async killFrontEnd({ world, random, tell }) {
    const frontEnd = oneOf(world.frontEnds, random);
    tell(`SIGKILL of ${frontEnd.name}`);
    await frontEnd.kill();
    await pause(between(200, 3_000, random));
    await frontEnd.start();
  },
  async stopFrontEnd({ world, random, tell }) {
    const frontEnd = oneOf(world.frontEnds, random);
    tell(`SIGTERM of ${frontEnd.name}`);
    await frontEnd.stop();
    await frontEnd.start();
  },
  /** Its supervisor starts another one. */
  async killWorker({ world, random, tell }) {
    const frontEnd = oneOf(
      world.frontEnds.filter(({ workers }) => workers > 1),
      random,
    );
    const worker = Math.floor(random() * frontEnd.workers);
    // the one before may not have been replaced yet
    while (!frontEnd.killWorker(worker)) await pause(50);
    tell(`SIGKILL of worker ${worker} of ${frontEnd.name}`);
    await pause(between(200, 1_000, random));
  },
  async pauseFrontEnd({ world, random, tell }) {
    const frontEnd = oneOf(
      world.frontEnds.filter(({ workers }) => workers === 1),
      random,
    );
    tell(`SIGSTOP of ${frontEnd.name}`);
    frontEnd.pause();
    await pause(between(1_000, 7_000, random));
    frontEnd.resume();
  },
  cutDatabase: cut("database"),
  cutClients: cut("clients"),
} as const satisfies Record<string, Fault>;

/**
 * Only by itself: who cancels a commit that waits for its standby, and then loses the primary, has shown messages to
 * readers that no other server has.
 */
const byItself = {
  async cancelCommits({ world, tell }) {
    tell("the standby is away, commits that wait for it are cancelled, the primary is killed");
    const cancelled = await world.database.cancelThenFailOver((count) => count >= cancelledMin);
    tell(`${cancelled} were cancelled`);
  },
} as const satisfies Record<string, Fault>;

export const faults = { ...ofDatabase, ...ofRedis, ...ofFrontEnds, ...byItself };
export type FaultKind = keyof typeof faults;

export type FaultLanes = readonly (readonly FaultKind[])[];

/** Of each list one at a time, of all lists at the same time. */
export const allLanes: FaultLanes = [keysOf(ofDatabase), keysOf(ofRedis), keysOf(ofFrontEnds)];

const cancelledMin = 50;

function keysOf<K extends string>(table: Readonly<Record<K, Fault>>): readonly K[] {
  return Object.keys(table) as K[];
}

function cut(side: Side): Fault {
  return async ({ world, random, tell }) => {
    const frontEnd = oneOf(world.frontEnds, random);
    tell(`${frontEnd.name} is cut off from the ${side}`);
    frontEnd.cut(side);
    await pause(between(1_000, 7_000, random));
    frontEnd.mend(side);
  };
}

function oneOf(frontEnds: readonly FrontEnd[], random: () => number): FrontEnd {
  const chosen = frontEnds[Math.floor(random() * frontEnds.length)];
  if (chosen === undefined) throw new Error("the trial has no front-end of that kind");
  return chosen;
}

function between(from: number, to: number, random: () => number): number {
  return from + Math.floor((to - from) * random());
}
