/** The driver processes of a load seen from their parent: each gets its share, all begin at one moment of one clock. */
import { type ChildProcess, fork, type ForkOptions } from "node:child_process";
import { once } from "node:events";
import { QpqError } from "quicproquo-proto";
import type { ServerAddress } from "quicproquo-sdk";
import { machineMs } from "./clock.ts";
import type { Bytes } from "./connection-pool.ts";
import { nodeFlags } from "../node-flags.ts";
import type { Plan } from "./plan.ts";
import { type Recorded, Recorder } from "./recorder.ts";
import { durationSecondsOf, type Share } from "./schedule.ts";

type DriverShare = Share & {
  readonly users: number;
  readonly connections: number;
  readonly inFlightMax: number;
};

export type DriverTask = {
  readonly plan: Plan;
  readonly share: DriverShare;
  readonly server: ServerAddress;
  /** A secret: it goes through the pipe between the two. */
  readonly accessToken: Uint8Array;
};

export type ToDriver =
  | { readonly kind: "prepare"; readonly task: DriverTask }
  | { readonly kind: "run"; readonly startMs: number }
  | { readonly kind: "stop" };

export type Live = {
  readonly done: number;
  readonly errors: number;
  readonly missed: number;
  readonly inFlight: number;
  /** Of the newest second that is over; of several drivers the worst. */
  readonly p99Ms: number | undefined;
};

export type FromDriver =
  | { readonly kind: "prepared" }
  | ({ readonly kind: "live" } & Live)
  | { readonly kind: "ran"; readonly recorded: Recorded; readonly bytes: Bytes }
  | { readonly kind: "failed"; readonly isOurs: boolean; readonly reason: string };

export type DriversOptions = Pick<DriverTask, "plan" | "server" | "accessToken">;

export type Measured = { readonly recorder: Recorder; readonly bytes: Bytes; readonly secondsRun: number };

/** Between the word to begin and the beginning: a busy machine hands a message on in less. */
const headStartMs = 200;
const program = new URL("./driver-process.ts", import.meta.url);

export class Drivers implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];
  readonly #plan: Plan;
  readonly #live: Live[] = [];
  #stoppedMs: number | undefined;

  private constructor(children: readonly ChildProcess[], plan: Plan) {
    this.#children = children;
    this.#plan = plan;
  }

  /** Connected, and with all that the users need. E040_CONNECT_FAILED, E041_CERTIFICATE, E004_BAD_TOKEN ... */
  static async start(options: DriversOptions): Promise<Drivers> {
    const { plan } = options;
    // the young generation is qpq-server's, as for every load
    const settings: ForkOptions = { execArgv: [...nodeFlags], serialization: "advanced" };
    const children = Array.from({ length: plan.drivers }, () => fork(program, settings));
    const drivers = new Drivers(children, plan);
    try {
      const prepare = children.map((child, driver) => {
        return ask(child, { kind: "prepare", task: { ...options, share: shareOf(plan, driver) } }, "prepared");
      });
      await Promise.all(prepare);
      return drivers;
    } catch (error) {
      await drivers[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves when all is answered, or given up. */
  async run(onLive: (live: Live) => void): Promise<Measured> {
    const startMs = machineMs() + headStartMs + this.#plan.warmUpSeconds * 1_000;
    for (const [driver, child] of this.#children.entries()) {
      child.on("message", (message: FromDriver) => {
        if (message.kind !== "live") return;
        this.#live[driver] = message;
        onLive(sumOf(this.#live));
      });
    }
    const ran = this.#children.map((child) => ask(child, { kind: "run", startMs }, "ran"));
    const parts = await Promise.all(ran);
    const planned = durationSecondsOf(this.#plan.phases);
    const recorder = new Recorder(planned);
    for (const { recorded } of parts) recorder.add(recorded);
    const bytes = {
      in: parts.reduce((sum, part) => sum + part.bytes.in, 0),
      out: parts.reduce((sum, part) => sum + part.bytes.out, 0),
    };
    const stoppedAfter = ((this.#stoppedMs ?? Number.POSITIVE_INFINITY) - startMs) / 1_000;
    return { recorder, bytes, secondsRun: Math.max(0, Math.min(planned, stoppedAfter)) };
  }

  /** Nothing more is begun; `run` resolves with what was measured. */
  stop(): void {
    this.#stoppedMs ??= machineMs();
    for (const child of this.#children) if (child.connected) child.send({ kind: "stop" } satisfies ToDriver);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      if (child.connected) child.disconnect();
      await exited;
    });
    await Promise.all(ended);
  }
}

type Answer<Kind> = Extract<FromDriver, { readonly kind: Kind }>;

function ask<Kind extends FromDriver["kind"]>(
  child: ChildProcess,
  message: ToDriver,
  wanted: Kind,
): Promise<Answer<Kind>> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: FromDriver): void => {
      if (answer.kind === wanted) settle(() => resolve(answer as Answer<Kind>));
      else if (answer.kind === "failed") settle(() => reject(errorOf(answer)));
    };
    const onExit = (code: number | null): void =>
      settle(() => reject(new Error(`a driver ended with ${code ?? child.signalCode} before it had ${wanted}`)));
    const settle = (then: () => void): void => {
      child.off("message", onMessage).off("exit", onExit);
      then();
    };
    child.on("message", onMessage).on("exit", onExit);
    child.send(message);
  });
}

function errorOf({ isOurs, reason }: Answer<"failed">): Error {
  return (isOurs ? QpqError.fromReason(reason) : undefined) ?? new Error(reason);
}

function shareOf(plan: Plan, driver: number): DriverShare {
  const { drivers } = plan;
  const part = (count: number): number => Math.floor(count / drivers) + (driver < count % drivers ? 1 : 0);
  const inFlightMax = Math.max(1, part(plan.inFlightMax));
  return { driver, drivers, users: part(plan.users), connections: part(plan.connections), inFlightMax };
}

function sumOf(lives: readonly Live[]): Live {
  const there = lives.filter((live) => live !== undefined);
  const sum = (name: "done" | "errors" | "missed" | "inFlight"): number =>
    there.reduce((total, live) => total + live[name], 0);
  const worst = there.reduce<number | undefined>((worst, { p99Ms }) => {
    return p99Ms === undefined ? worst : Math.max(worst ?? 0, p99Ms);
  }, undefined);
  return {
    done: sum("done"),
    errors: sum("errors"),
    missed: sum("missed"),
    inFlight: sum("inFlight"),
    p99Ms: worst,
  };
}
