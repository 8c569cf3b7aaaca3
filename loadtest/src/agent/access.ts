/**
 * Who may drive the agent. On loopback everybody on the machine, but no web page: one that a browser shows sends an Origin,
 * and one whose name was bound to 127.0.0.1 meanwhile (DNS rebinding) its own name as Host. Elsewhere who has the token.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIPv4 } from "node:net";
import { QpqError } from "quicproquo-proto";

/** Of the token, in characters: 16 random bytes as hex, and base64 of 24. */
const tokenLengthMin = 32;

export type AccessOptions = {
  /** Where the agent listens: an address or a name. */
  readonly host: string;
  /** A secret. Empty: none is asked for. */
  readonly token: string;
};

export class Access {
  readonly #isLocal: boolean;
  /** SHA-256, so that comparing tells nothing of the length either. */
  readonly #token: Buffer | undefined;

  /** E048_USAGE: elsewhere without a token, or with one that can be guessed. */
  constructor({ host, token }: AccessOptions) {
    this.#isLocal = isLoopback(host);
    if (!this.#isLocal && token === "") {
      const text = `whoever reaches ${host} could drive this load: set QPQ_AGENT_TOKEN_FILE, or listen on 127.0.0.1`;
      throw new QpqError("E048_USAGE", { text });
    }
    if (token !== "" && token.length < tokenLengthMin) {
      const text = `the agent's token has at least ${tokenLengthMin} characters; next: openssl rand -hex 32 > FILE`;
      throw new QpqError("E048_USAGE", { text });
    }
    this.#token = token === "" ? undefined : hash("sha256", token, "buffer");
  }

  /** E006_FORBIDDEN, E003_UNAUTHENTICATED, E004_BAD_TOKEN. */
  check({ headers }: IncomingMessage): void {
    if (headers.origin !== undefined || headers["sec-fetch-site"] !== undefined) {
      throw new QpqError("E006_FORBIDDEN", { text: "the agent takes no requests of web pages" });
    }
    if (this.#isLocal && !isLoopback(hostNameIn(headers.host ?? ""))) {
      throw new QpqError("E006_FORBIDDEN", { text: "the Host of a request is 127.0.0.1, [::1] or localhost" });
    }
    if (this.#token === undefined) return;
    const [, given] = /^Bearer (\S+)$/i.exec(headers.authorization ?? "") ?? [];
    if (given === undefined) throw new QpqError("E003_UNAUTHENTICATED", { text: "the agent's token is required" });
    if (!timingSafeEqual(hash("sha256", given, "buffer"), this.#token)) {
      throw new QpqError("E004_BAD_TOKEN", { text: "that is not the agent's token" });
    }
  }
}

/** "[::1]:7070" -> "::1", "localhost:7070" -> "localhost" */
function hostNameIn(header: string): string {
  const [, address, name = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(header) ?? [];
  return address ?? name;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}
