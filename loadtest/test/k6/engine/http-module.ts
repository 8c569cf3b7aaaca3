/** Stands in for `k6/http`: get and post that answer at once, and k6's own metrics of them. */
import { fetchNow, measure } from "./bridge.ts";

type Params = {
  readonly headers?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
};

function request(method: string, url: string, body: string | undefined, { headers = {}, tags = {} }: Params) {
  const answer = fetchNow({ method, url, body, headers });
  const failed = answer.status < 200 || answer.status >= 400;
  measure({ metric: "http_reqs", type: "counter", value: 1, tags });
  measure({ metric: "http_req_duration", type: "trend", value: answer.durationMs, tags });
  measure({ metric: "http_req_failed", type: "rate", value: Number(failed), tags });
  return { ...answer, json: (): unknown => JSON.parse(answer.body) };
}

const http = {
  get: (url: string, params: Params = {}) => request("GET", url, undefined, params),
  post: (url: string, body: string, params: Params = {}) => request("POST", url, body, params),
};

// oxlint-disable-next-line import/no-default-export -- scripts import it so
export default http;
