/** Somebody with qpq: a state of their own, and the server that they speak to at the moment. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";

const qpq = fileURLToPath(new URL("../../client/cli/bin/qpq.mjs", import.meta.url));
// a busy machine hashes passwords slowly
const timeoutMs = 60_000;

export type Place = { readonly address: string; readonly serverName: string; readonly authority: Uint8Array };

export class Person implements Disposable {
  readonly #folder = makeOwnedFolder("qpq-person-");
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs qpq there; answers what it printed, and rejects with what it complained of. */
  async at({ address, serverName, authority }: Place, ...words: readonly string[]): Promise<string> {
    const certificate = join(this.#folder, "ca.crt");
    writeFileSync(certificate, authority);
    const env = {
      PATH: process.env["PATH"],
      QPQ_SERVER: `${address}:7000`,
      QPQ_SERVER_NAME: serverName,
      QPQ_CA_CERT: certificate,
      QPQ_TRANSPORT: "quic",
      QPQ_STATE: join(this.#folder, "state.bin"),
      QPQ_PASSWORD: `the password of ${this.name}`,
      QPQ_TIMEOUT_MS: String(timeoutMs),
    };
    return (await promisify(execFile)(process.execPath, [qpq, ...words], { env })).stdout;
  }

  [Symbol.dispose](): void {
    removeFolder(this.#folder);
  }
}
