/**
 * The client's side of a measurement, the same for every transport: so many connections, on each of them one message under
 * way at a time while the load is on.
 */
import { answerParent } from "../answer-parent.ts";

export type ConnectTask = { readonly port: number; readonly connections: number; readonly certificate: string };

/** 200 B: a small call. */
export const messageBytes = 200;

/** One connection that is ready; whoever opens it hands on how many bytes come back. */
type Link = { readonly send: (message: Uint8Array) => void };
export type OpenLink = (task: ConnectTask, onEchoed: (bytes: number) => void) => Promise<Link>;

// 25 at once: a handshake storm is another measurement
const connectingMax = 25;

export function serveLoad(open: OpenLink): void {
  const callers: Caller[] = [];
  let isOn = false;
  answerParent({
    connect: async (task: ConnectTask) => {
      while (callers.length < task.connections) {
        const count = Math.min(connectingMax, task.connections - callers.length);
        const opened = Array.from({ length: count }, () => Caller.open(task, { open, isOn: () => isOn }));
        callers.push(...(await Promise.all(opened)));
      }
    },
    on: () => {
      isOn = true;
      for (const caller of callers) caller.begin();
    },
    off: () => {
      isOn = false;
    },
  });
}

const message = new Uint8Array(messageBytes).fill(7);

class Caller {
  readonly #isOn: () => boolean;
  #link: Link | undefined;
  #isWaiting = false;
  #missingBytes = 0;

  private constructor(isOn: () => boolean) {
    this.#isOn = isOn;
  }

  static async open(task: ConnectTask, by: { open: OpenLink; isOn: () => boolean }): Promise<Caller> {
    const caller = new Caller(by.isOn);
    caller.#link = await by.open(task, (bytes) => caller.#onEchoed(bytes));
    return caller;
  }

  begin(): void {
    if (this.#isWaiting) return; // for the last message of the load before
    this.#isWaiting = true;
    this.#missingBytes = messageBytes;
    this.#link?.send(message);
  }

  #onEchoed(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes > 0) return;
    this.#isWaiting = false;
    if (this.#isOn()) this.begin();
  }
}
