/** Decides by its HTTP request whether a connection may become a WebSocket. */
import type { IncomingMessage } from "node:http";
import { QpqError } from "quicproquo-proto";
import { type Refusal, refusals, subprotocol, upgradePath } from "./upgrade.ts";

export class Gate {
  readonly #origins: ReadonlySet<string>;

  /** Origins as browsers write them, e.g. "https://chat.example"; E046_CONFIG for anything else. */
  constructor(allowedOrigins: readonly string[]) {
    for (const origin of allowedOrigins) {
      if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#]+$/.test(origin)) continue;
      throw new QpqError("E046_CONFIG", { text: "an allowed origin looks like https://host:port, in lower case" });
    }
    this.#origins = new Set(allowedOrigins);
  }

  /** Of a request that asks for an upgrade; undefined = let in. */
  refusal({ url = "", headers }: IncomingMessage): Refusal | undefined {
    if (pathOf(url) !== upgradePath) return refusals.path;
    // A browser always says where the page comes from; what says nothing is no browser and not misled by a page.
    if (headers.origin !== undefined && !this.#origins.has(headers.origin.toLowerCase())) return refusals.origin;
    const offered = headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? [];
    return offered.includes(subprotocol) ? undefined : refusals.subprotocol;
  }

  /** Of a request that asks for none. */
  plainRefusal({ url = "" }: IncomingMessage): Refusal {
    return pathOf(url) === upgradePath ? refusals.method : refusals.path;
  }
}

const pathOf = (url: string): string => url.split("?", 1)[0] ?? "";
