/** A real server, a relay in front of it and the C++ client of the contract, with inboxes nobody else uses. */
import assert from "node:assert/strict";
import { type ServerProcess, startServerProcess } from "../../testing/server-process.ts";
import { CppNodeClient } from "./cpp-node-client.ts";
import type { TcpJoint } from "./tcp-joint.ts";
import { TcpToQuic } from "./tcp-relays.ts";

export class NodeClientRig implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly cpp: CppNodeClient;
  readonly #relay: TcpToQuic;
  #names = 0;
  #inboxes = 0;

  private constructor(server: ServerProcess, cpp: CppNodeClient, relay: TcpToQuic) {
    this.server = server;
    this.cpp = cpp;
    this.#relay = relay;
  }

  static async start(): Promise<NodeClientRig> {
    const [server, cpp] = await Promise.all([startServerProcess(), CppNodeClient.start()]);
    return new NodeClientRig(server, cpp, await TcpToQuic.start(server));
  }

  /** A name no other connection, handle or sink has. */
  name(kind: string): string {
    return `${kind}${this.#names++}`;
  }

  /** A connection of the C++ client, a session of its own at the server. */
  async connected(token = this.server.token): Promise<{ readonly name: string; readonly joint: TcpJoint }> {
    const name = this.name("connection");
    await this.cpp.call("connect", name, this.#relay.port, token);
    assert.equal(await this.cpp.call("health", name), "ok");
    return { name, joint: this.#relay.joints.at(-1) as TcpJoint };
  }

  /** A fresh inbox with so many messages, `m1` first. */
  async filled(messages: number): Promise<number> {
    const inbox = ++this.#inboxes;
    const { name } = await this.connected();
    for (let n = 1; n <= messages; n++) assert.equal(await this.cpp.call("enqueue", name, inbox, `m${n}`, 1), `${n}`);
    await this.cpp.call("close", name);
    return inbox;
  }

  /** What stands in the inbox for everybody, once the server has worked off what came before. */
  async standing(name: string, inbox: number, expected: readonly number[]): Promise<void> {
    let now: readonly number[] = [];
    for (let look = 0; look < 500; look++) {
      now = seqsIn(await this.cpp.call("peek", name, inbox));
      if (String(now) === String(expected)) return;
    }
    assert.deepEqual(now, expected);
  }

  /** Resolves when so many fetchWait calls are parked, as /metrics tells. */
  async parked(calls: number): Promise<void> {
    for (let look = 0; look < 500; look++) {
      const metrics = await (await fetch(`http://127.0.0.1:${this.server.opsPort}/metrics`)).text();
      if (metrics.includes(`\nqpq_waiters ${calls}\n`)) return;
    }
    assert.fail(`there are not ${calls} parked calls`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cpp[Symbol.asyncDispose]();
    await this.#relay[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** Of messages as the C++ client prints them. */
export function seqsIn(messages: string): readonly number[] {
  return messages.split(" ").flatMap((message) => (message === "" ? [] : [Number(message.split(":")[0])]));
}

export function upTo(last: number, first = 1): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}
