/** No script: what the type check refuses in scripts. A line that it lets pass is an error here. */
import http from "k6/http";
import type { Options } from "k6/options";
import { limitsFor } from "./limits.ts";

const arrivals = { duration: "1s", rate: 1, preAllocatedVUs: 1 };

export const refused: Options[] = [
  // @ts-expect-error -- no option of k6
  { scenario: {} },
  // @ts-expect-error -- no executor
  { scenarios: { wrong: { executor: "constant-arival-rate", ...arrivals } } },
  // @ts-expect-error -- preAllocatedVUs is missing
  { scenarios: { wrong: { executor: "constant-arrival-rate", duration: "1s", rate: 1 } } },
  // @ts-expect-error -- stages belong to the ramping executor
  { scenarios: { wrong: { executor: "constant-arrival-rate", ...arrivals, stages: [] } } },
  // @ts-expect-error -- a threshold is text, or an object with text
  { thresholds: { checks: [1] } },
  // @ts-expect-error -- undefined is no value (exactOptionalPropertyTypes)
  { tags: undefined },
];

// @ts-expect-error -- no tag that samples carry
limitsFor("acton:enqueue", { p99Ms: 1, failedMax: 0 });
// @ts-expect-error -- k6 has no DOM
export const page: unknown = document;
// @ts-expect-error -- and is not Node
export const node: unknown = process;
// @ts-expect-error -- http's answers are there at once, not promised
export const promised: Promise<unknown> = http.get("");
