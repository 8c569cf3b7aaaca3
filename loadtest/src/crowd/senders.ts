/** The process that sends to the inboxes of a crowd, seen from its scenario. */
import type { LoopOptions, LoopResult } from "../closed-loop.ts";
import { cpuUsOf } from "../cpu-time.ts";
import { type Recorded, Recorder } from "../open-loop/recorder.ts";
import { Peer } from "../peer.ts";
import type { Books } from "./ledger.ts";
import type { SendersTask, SendTask, Sent } from "./sender-load.ts";
import type { Page } from "./seq-book.ts";

export class Senders implements AsyncDisposable {
  readonly #peer: Peer;

  private constructor(peer: Peer) {
    this.#peer = peer;
  }

  static async start(task: SendersTask): Promise<Senders> {
    await using started = new AsyncDisposableStack();
    const peer = started.use(Peer.start(new URL("./sender-load.ts", import.meta.url), undefined));
    await peer.ask("connect", task);
    started.move();
    return new Senders(peer);
  }

  /** At set times. Answers what became of them when nothing is under way any more, at the latest after 2 minutes. */
  async send(task: SendTask): Promise<Recorder> {
    const recorder = new Recorder(task.seconds);
    recorder.add(await this.#peer.ask<Recorded>("send", task));
    return recorder;
  }

  /** Nothing more is begun. */
  async stop(): Promise<void> {
    await this.#peer.ask("stop");
  }

  /** As many as go, each caller one at a time. */
  async run(loop: Omit<LoopOptions, "request">): Promise<LoopResult> {
    return await this.#peer.ask<LoopResult>("run", loop);
  }

  async sent(): Promise<Sent> {
    return await this.#peer.ask<Sent>("sent");
  }

  /** User and system. */
  cpuUs(): number {
    return cpuUsOf(this.#peer.pid);
  }

  get books(): Books {
    return {
      pages: () => this.#peer.ask<readonly Page[]>("pages"),
      entries: (inbox) => this.#peer.ask<readonly number[]>("entries", { inbox }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }
}
