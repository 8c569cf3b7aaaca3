/**
 * `qpq bench agent` as the scripts see it: one action a call. What counts is the time that the agent measured around the
 * action itself, on its own connection to the server; what HTTP between k6 and the agent takes is k6's http_req_duration.
 */
import { check, fail } from "k6";
import http, { type Params, type RefinedResponse } from "k6/http";
import { Counter, Rate, Trend } from "k6/metrics";
import { textSetting } from "./settings.ts";

/** Time of an action, failed ones too, in ms; tag `action`. */
const duration = new Trend("qpq_action_duration", true);
/** Actions that failed, or that the agent did not even begin; tag `action`. */
const failed = new Rate("qpq_failed");
/** The same, counted; tags `action` and `code`, an error code of the server, of its client or of the agent. */
const errors = new Counter("qpq_errors");

const agent = textSetting("QPQ_AGENT", "http://127.0.0.1:7070").replace(/\/$/, "");
const token = tokenOf();
// longer than the agent's own deadline of an action: its answer says more than a cut connection
const timeout = "60s";

type Answer = { readonly ok: boolean; readonly code: string; readonly micros: number };

/** One action. A failed one is counted, and ends nothing. */
export function act(action: string): void {
  const tags = { action };
  // a user of its own for each VU, so that those who need an answer of their own don't take another's
  const body = JSON.stringify({ user: __VU });
  const response = http.post(`${agent}/v1/${action}`, body, params({ action, name: action }));
  const answer = answerIn(response);
  const ok = answer?.ok === true;
  if (answer !== undefined) duration.add(answer.micros / 1_000, tags);
  failed.add(!ok, tags);
  if (!ok) errors.add(1, { action, code: answer?.code ?? refusalOf(response) });
}

/**
 * For setup(): ends the run unless the agent is there, reaches its server and can do these actions; without a list all that
 * it has. Each is done once, which counts nowhere: the agent makes an action's users when it is asked for the first time,
 * and that may take seconds.
 */
export function prepareActions(wanted?: readonly string[]): readonly string[] {
  const there = availableActions();
  const actions = wanted ?? there;
  const missing = actions.filter((action) => !there.includes(action));
  if (missing.length > 0) fail(`the agent has no action ${missing.join(", ")}; it has ${there.join(", ")}`);
  for (const action of actions) {
    const response = http.post(`${agent}/v1/${action}`, "", { ...params({ name: "prepare" }), timeout: "5m" });
    const { ok = false, code = refusalOf(response) } = answerIn(response) ?? {};
    if (!ok) fail(`${action} fails with ${code}; the agent says: ${response.body}`);
  }
  return actions;
}

/** All that the agent has. Ends the run unless the agent is there and reaches its server. */
function availableActions(): string[] {
  const health = http.get(`${agent}/v1/health`, params({ name: "health" }));
  if (!check(health, { "the agent reaches its server": ({ status }) => status === 200 })) {
    fail(`${agent}/v1/health says ${health.status} ${refusalOf(health)}: is qpq bench agent there, and its server?`);
  }
  const list = http.get(`${agent}/v1/actions`, params({ name: "actions" })).json() as { actions: { name: string }[] };
  return list.actions.map(({ name }) => name);
}

type Response = RefinedResponse<"text">;

/** undefined: the agent refused, or did not answer. */
function answerIn(response: Response): Answer | undefined {
  return response.status === 200 ? (response.json() as Answer) : undefined;
}

/** The agent's own code, or what k6 says where nobody answered. */
function refusalOf({ status, body, error_code }: Response): string {
  if (status === 0) return `K6_${error_code}`;
  return /"code":"(\w+)"/.exec(body ?? "")?.[1] ?? `HTTP_${status}`;
}

function params(tags: { [name: string]: string }): Params & { responseType: "text" } {
  const headers = { "content-type": "application/json", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
  return { headers, tags, timeout, responseType: "text" };
}

/** From the environment or a file, never from `-e`: who lists processes reads those. */
function tokenOf(): string {
  const file = textSetting("QPQ_AGENT_TOKEN_FILE", "");
  return file === "" ? textSetting("QPQ_AGENT_TOKEN", "") : open(file).trim();
}
