/** What goes on beside the messages of a soak: clients that lose their connection and come back, and people who log in. */
import { setTimeout } from "node:timers/promises";
import type { Crowd } from "../crowd/crowd.ts";
import type { FrontEnd } from "../delivery/front-ends.ts";
import { startProgram } from "../delivery/load.ts";
import type { Peer } from "../peer.ts";

const everyMs = 1_000;
const lossesAtOnce = 2;
const accounts = 4;
/** The last of each account stand, so that their table is full after some minutes. */
export const tokensMax = 20;

export class People implements AsyncDisposable {
  readonly #crowd: Crowd;
  readonly #logins: Peer;
  readonly #running: Promise<void>;
  #isOver = false;
  loginCount = 0;

  private constructor(crowd: Crowd, logins: Peer) {
    this.#crowd = crowd;
    this.#logins = logins;
    this.#running = this.#run();
  }

  static async start(crowd: Crowd, frontEnds: readonly FrontEnd[]): Promise<People> {
    await using started = new AsyncDisposableStack();
    const logins = started.use(startProgram("login"));
    const addresses = frontEnds.map(({ address }) => address);
    await logins.ask("connect", { frontEnds: addresses, connections: 2, accounts, renews: true });
    started.move();
    return new People(crowd, logins);
  }

  /** Rejects with what kept it from going on. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running.catch(() => undefined);
    await this.#logins[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    for (let next = 0; !this.#isOver; next += lossesAtOnce) {
      const losing = Array.from({ length: lossesAtOnce }, (_, i) => (next + i) % this.#crowd.size);
      await this.#crowd.lose(losing);
      if (await this.#logins.ask<boolean>("logIn", { n: next })) this.loginCount += 1;
      await setTimeout(everyMs);
    }
  }
}
