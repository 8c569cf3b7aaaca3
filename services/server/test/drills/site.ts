/** Where one drill takes place: a data folder, a shell in which `qpq-server` is a command, and what it has started. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "../../testing/server-process.ts";
import type { Finding } from "../../src/ops/doctor/finding.ts";

const qpqServer = fileURLToPath(new URL("../../bin/qpq-server.mjs", import.meta.url));

/** What hangs is ended and named, in front of any limit of the whole test. */
const secsMax = 45;

type Ended = { readonly code: number; readonly words: string; readonly errors: string };
export type Env = Readonly<Record<string, string>>;

export class Site implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "qpq-drill-"));
  readonly dataDir = join(this.folder, "data");
  readonly owned = new AsyncDisposableStack();
  readonly #bin = join(this.folder, "qpq-server");

  constructor() {
    writeFileSync(this.#bin, `#!/bin/sh\nexec '${process.execPath}' '${qpqServer}' "$@"\n`);
    chmodSync(this.#bin, 0o755);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned.disposeAsync();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A command as an operator types it, in a shell with the settings of this place. */
  async sh(command: string, env: Env = {}): Promise<Ended> {
    const child = spawn("sh", ["-c", command], {
      cwd: this.folder,
      // a group of its own, so that all that it has started can be ended
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: `${this.folder}:${process.env["PATH"]}`,
        QPQ_DATA_DIR: this.dataDir,
        QPQ_HOST: "127.0.0.1",
        QPQ_PORT: "0",
        QPQ_OPS_PORT: "0",
        ...env,
      },
    });
    const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
    const isLate = await endIfLate(ended, () => process.kill(-(child.pid as number), "SIGKILL"));
    const [[code], words, errors] = await ended;
    assert.ok(!isLate, `${command} did not end; it said: ${errors}${words}`);
    return { code: code as number, words, errors };
  }

  /** That ends well. */
  async does(command: string, env?: Env): Promise<string> {
    const { code, words, errors } = await this.sh(command, env);
    assert.equal(code, 0, `${command}: ${errors}${words}`);
    return words;
  }

  /** What it says when it fails. */
  async fails(command: string, env?: Env): Promise<string> {
    const { code, errors } = await this.sh(command, env);
    assert.notEqual(code, 0, `${command} did not fail`);
    return errors;
  }

  async starts(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    return this.owned.use(await startServerProcess({ dataDir: this.dataDir, ...options }));
  }

  /** A first start has made all that there is. */
  async wasUsed(): Promise<void> {
    const server = await this.starts();
    const isLate = await endIfLate(server.kill("SIGTERM"), () => void server.kill("SIGKILL"));
    assert.ok(!isLate, `the server did not stop: ${server.log()}`);
  }

  /** What a start says that is refused. */
  async refuses(options: ServerProcessOptions = {}): Promise<string> {
    try {
      await this.starts(options);
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("the start was not refused");
  }

  async findings(flags = "", env?: Env): Promise<readonly Finding[]> {
    const { words, errors } = await this.sh(`qpq-server doctor --json ${flags}`, env);
    assert.equal(errors, "");
    return JSON.parse(words);
  }

  /** What the doctor says under this code. */
  async finds(code: string, flags?: string, env?: Env): Promise<string> {
    const found = (await this.findings(flags, env)).find((finding) => finding.code === code);
    assert.ok(found !== undefined, `the doctor does not find ${code}`);
    return `${found.code} ${found.text}; next: ${found.next}`;
  }

  async findsNoMore(code: string, flags?: string, env?: Env): Promise<void> {
    const found = (await this.findings(flags, env)).find((finding) => finding.code === code);
    assert.equal(found, undefined);
  }
}

/**
 * True: it took too long, and was ended. Counted are seconds in which this process ran itself: a machine that was halted for
 * a minute is no failure of what was halted with it.
 */
async function endIfLate(ended: Promise<unknown>, end: () => void): Promise<boolean> {
  let secs = 0;
  const count = setInterval(() => {
    if (++secs === secsMax) end();
  }, 1_000);
  await ended.finally(() => clearInterval(count));
  return secs >= secsMax;
}
