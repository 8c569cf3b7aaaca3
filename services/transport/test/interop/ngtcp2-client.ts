/** The client of ngtcp2/ as a process of a test: each command answered, then the next. Needs libngtcp2 from Debian. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { buildC } from "../c-program.ts";

const folder = join(import.meta.dirname, "ngtcp2");
const files = ["client.c", "connection.c", "client.h"].map((name) => join(folder, name)) as [string, ...string[]];

export type Ngtcp2Options = {
  readonly port: number;
  readonly serverName?: string;
  readonly alpn?: string;
  /** DER: the only one that is trusted. */
  readonly certificate: Uint8Array;
};

export class Ngtcp2Client {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** It connects by itself: `line` tells how that went. */
  static async start(test: TestContext, options: Ngtcp2Options): Promise<Ngtcp2Client> {
    const program = await buildC({ files, libraries: ["ngtcp2_crypto_gnutls", "ngtcp2", "gnutls"] });
    const temporary = mkdtempSync(join(tmpdir(), "qpq-ngtcp2-"));
    test.after(() => rmSync(temporary, { recursive: true, force: true }));
    const trusted = join(temporary, "certificate.der");
    writeFileSync(trusted, options.certificate);
    const { port, serverName = "localhost", alpn = "capnp" } = options;
    const child = spawn(program, [String(port), serverName, alpn, trusted]);
    child.stderr.pipe(process.stderr);
    test.after(() => child.kill());
    return new Ngtcp2Client(child);
  }

  /** What it says next; undefined when it has ended. */
  async line(): Promise<string | undefined> {
    const next = await this.#lines.next();
    return next.done === true ? undefined : next.value;
  }

  async command(text: string): Promise<string | undefined> {
    this.#child.stdin.write(`${text}\n`);
    return await this.line();
  }
}
