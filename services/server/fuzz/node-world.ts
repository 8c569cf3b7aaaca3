/** A session of the server under attack, beside an honest one on the same front-end. */
import type { RpcSession } from "quicproquo-rpc";
import { FedStream, Finding, turn, type World } from "quicproquo-rpc/fuzz";
import { type Handshake, handshakeDone } from "../src/calls/early-data.ts";
import { FrontEnd } from "./front-end.ts";
import { Honest } from "./honest.ts";
import { recordedToken } from "./requests.ts";

/** `stranger`: the recorded token is not valid here, so nothing may be written. `early`: all comes as 0-RTT data. */
export const nodeVariants = ["plain", "tight", "stranger", "early"] as const;

/** Its handshake is done a turn after a call waits for it. */
const early: Handshake = { isEarly: () => true, done: turn };

export class NodeWorld implements World {
  readonly stream = new FedStream();
  readonly session: RpcSession;
  readonly ownBytes = 0;
  readonly #frontEnd: FrontEnd;
  readonly #honest: Honest;
  readonly #isStranger: boolean;

  constructor(variant: string) {
    this.#isStranger = variant === "stranger";
    const token = this.#isStranger ? "another token, which nobody has but the honest one" : recordedToken;
    this.#frontEnd = new FrontEnd({ token, isTight: variant === "tight" });
    this.#honest = new Honest(this.#frontEnd, token);
    this.session = this.#frontEnd.serve(this.stream, variant === "early" ? early : handshakeDone);
  }

  act(): void {}

  async checkBeside(): Promise<void> {
    await this.#honest.check();
    const { writes } = this.#frontEnd;
    if (this.#isStranger && writes !== this.#honest.writes) {
      throw new Finding("bystander", `${writes - this.#honest.writes} writes without a token`);
    }
  }

  endHandlers(): void {}

  checkCalls(): void {}

  letGo(): void {
    this.#honest.close();
    this.#frontEnd.letGo();
  }

  check(): void {
    this.#frontEnd.check();
  }
}
