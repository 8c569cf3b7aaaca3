/**
 * `qpq bench`, and `npm run bench -- open`: runs a scenario of loads.ts against a server, or compares what was measured.
 * Data is for standard output, words are for standard error. Never imports quicproquo-server.
 */
import { writeFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import type { ServerAddress } from "quicproquo-sdk";
import type { Action } from "./action.ts";
import { actions } from "./actions.ts";
import { type Assertion, failureOf, parseAssertion } from "./assertion.ts";
import type { BenchFlagValues } from "./bench-flags.ts";
import { compareLoads, readResults } from "./compare-loads.ts";
import { Drivers } from "./drivers.ts";
import { htmlReport } from "./html-report.ts";
import { LiveLine } from "./live-line.ts";
import { type Plan, planOf } from "./plan.ts";
import { type LoadResult, resultOf } from "./result.ts";
import { comparedWords, resultWords } from "./words.ts";

export { benchFlags, benchHelp, benchWords } from "./bench-flags.ts";

export type BenchContext = {
  /** Asked once, and only where all else is right. E048_USAGE. */
  readonly server: () => ServerAddress | Promise<ServerAddress>;
  /** A secret; asked behind the server. */
  readonly accessToken: () => Uint8Array;
  /** Of the programs that measure, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** One piece of data: text for people, fields for programs. */
  readonly data: (text: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly say: (text: string) => void;
};

const toleranceDefault = "10%";
const runsMax = 100;

/**
 * E048_USAGE; E040_CONNECT_FAILED, E041_CERTIFICATE, E003_UNAUTHENTICATED of the server; E084_ASSERTION when something
 * asserted does not hold, or got worse beyond the tolerance; E083_PLANS_DIFFER.
 */
export async function bench(words: readonly string[], flags: BenchFlagValues, context: BenchContext): Promise<void> {
  const [name, ...files] = words;
  if (name === "compare") return compare(files, flags, context);
  if (files.length > 0) throw new QpqError("E048_USAGE", { text: "one scenario at a time" });
  const plan = planOf(name, flags);
  const assertions = (flags.assert ?? []).map(parseAssertion);
  const runs = runsOf(flags);
  const { needsToken }: Action = actions[plan.action];
  const server = await context.server();
  const accessToken = context.accessToken();
  if (needsToken && accessToken.length === 0) {
    const text = `${plan.scenario} needs the server's static token; next: set QPQ_AUTH_TOKEN_FILE to its auth-token`;
    throw new QpqError("E003_UNAUTHENTICATED", { text });
  }
  const failed: string[] = [];
  for (let run = 0; run < runs; run++) {
    // other due times of the same plan
    const result = await measure({ ...plan, seed: plan.seed + run }, { server, accessToken }, context);
    const failures = assertions.flatMap((assertion: Assertion) => failureOf(assertion, result) ?? []);
    context.data(resultWords(result), result);
    if (flags.html !== undefined) write(flags.html, htmlReport(result, failures));
    failed.push(...failures);
    if (result.endedEarly) break;
  }
  if (failed.length > 0) throw new QpqError("E084_ASSERTION", { text: `not so: ${failed.join("; ")}` });
}

type Target = { readonly server: ServerAddress; readonly accessToken: Uint8Array };

/** Ctrl-C ends it early, and a second time at once. */
async function measure(plan: Plan, target: Target, context: BenchContext): Promise<LoadResult> {
  context.say(`${plan.scenario}: connecting, and making what its ${plan.users} users need`);
  await using drivers = await Drivers.start({ plan, ...target });
  const live = new LiveLine(plan);
  let endedEarly = false;
  const stop = (): void => {
    if (endedEarly) process.exit(130); // as a shell has it for a program that SIGINT ended
    endedEarly = true;
    context.say("\nending early: waiting for what is under way; once more: at once");
    drivers.stop();
  };
  process.on("SIGINT", stop);
  const startedAt = new Date();
  try {
    const measured = await drivers.run((now) => live.show(now));
    live.end();
    return resultOf({ plan, measured, startedAt, endedEarly, versions: context.versions });
  } finally {
    process.off("SIGINT", stop);
  }
}

function compare(files: readonly string[], flags: BenchFlagValues, { data }: BenchContext): void {
  const [before, after, ...more] = files;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new QpqError("E048_USAGE", { text: "usage: bench compare BEFORE.json AFTER.json" });
  }
  const tolerance = flags.tolerance ?? toleranceDefault;
  const [, percent] = /^(\d{1,4}(?:\.\d+)?)%?$/.exec(tolerance) ?? [];
  if (percent === undefined) {
    throw new QpqError("E048_USAGE", { text: `--tolerance takes a share like 10%, not ${tolerance}` });
  }
  const options = { tolerance: Number(percent) / 100, force: flags.force === true };
  const compared = compareLoads(readResults(before), readResults(after), options);
  data(comparedWords(compared), { kind: "comparison", tolerance: options.tolerance, metrics: compared });
  const worse = compared.filter(({ isWorse }) => isWorse).map(({ metric }) => metric);
  if (worse.length === 0) return;
  throw new QpqError("E084_ASSERTION", { text: `worse by more than ${percent} %: ${worse.join(", ")}` });
}

function runsOf({ runs = "1", html }: BenchFlagValues): number {
  const count = /^\d{1,3}$/.test(runs) ? Number(runs) : 0;
  if (count < 1 || count > runsMax) {
    throw new QpqError("E048_USAGE", { text: `--runs takes a whole number from 1 to ${runsMax}, not ${runs}` });
  }
  if (count > 1 && html !== undefined) throw new QpqError("E048_USAGE", { text: "--html is of one run" });
  return count;
}

function write(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "error";
    throw new QpqError("E048_USAGE", { text: `--html ${file} cannot be written (${code})`, cause });
  }
}
