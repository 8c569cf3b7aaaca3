/** People with user names for tests of qpq: each command a process of its own, without the server's static token. */
import assert from "node:assert/strict";
import type { ServerProcess } from "quicproquo-server/testing";
import { type Run, runQpq, type Setting } from "./run-qpq.ts";

export const password = "correct horse";

export class Named {
  readonly server: ServerProcess;
  readonly folder: string;

  constructor(server: ServerProcess, folder: string) {
    this.server = server;
    this.folder = folder;
  }

  /** `who` names the state file. */
  qpq(who: string, args: readonly string[], { env = {}, ...rest }: Setting = {}): Promise<Run> {
    const setting = { env: { QPQ_AUTH_TOKEN: "", QPQ_PASSWORD: password, ...env }, ...rest };
    return runQpq({ server: this.server, folder: this.folder, who }, args, setting);
  }

  async ok(who: string, args: readonly string[], setting?: Setting): Promise<Run> {
    const run = await this.qpq(who, args, setting);
    assert.equal(run.code, 0, `${args.join(" ")}: ${run.err}`);
    return run;
  }

  /** Exit code 4. */
  async refused(who: string, args: readonly string[], says: RegExp, setting?: Setting): Promise<void> {
    const run = await this.qpq(who, args, setting);
    assert.match(run.err, says, args.join(" "));
    assert.equal(run.code, 4, `${args.join(" ")}: ${run.err}`);
    assert.equal(run.out, "");
  }

  /** Registered and logged in; answers the key. */
  async arrived(who: string): Promise<string> {
    await this.ok(who, ["register-user", who]);
    await this.ok(who, ["login", who]);
    return await this.keyOf(who);
  }

  async keyOf(who: string): Promise<string> {
    return (await this.ok(who, ["whoami"])).out.trim();
  }

  /** What came, each event as an object. */
  async received(who: string): Promise<Record<string, unknown>[]> {
    return objectsIn(await this.ok(who, ["recv", "--json"]));
  }

  /** What people wrote. */
  async texts(who: string): Promise<unknown[]> {
    return (await this.received(who)).filter(isChat).map(({ text }) => text);
  }
}

export function objectsIn(run: Run): Record<string, unknown>[] {
  const lines = run.out.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function isChat(line: Record<string, unknown>): boolean {
  return (line["message"] as { type?: string } | undefined)?.type === "chat";
}
