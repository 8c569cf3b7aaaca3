/**
 * One redis-server for tests: a folder of its own, a free port of 127.0.0.1, nothing written to disk unless asked for. It
 * can be killed, stopped for a while and started again at its port. It ends with this process, however that ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { certificateFiles, writeCertificateFiles } from "./certificate-files.ts";
import { freePort } from "./free-port.ts";
import { makeOwnedFolder, removeFolder } from "./owned-folder.ts";

export type RedisSettings = {
  /** Lines of redis.conf: { appendonly: "yes", appendfsync: "always" }. Nothing is kept by default. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Takes TLS connections only, with a certificate of its own for localhost. */
  readonly tls?: boolean;
};

const startMsMax = 60_000;

export class RedisProcess implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** PEM, of a server with `tls`: what its clients trust. */
  readonly certificateFile: string | undefined;
  readonly #settings: Readonly<Record<string, string | number>>;
  #server: ChildProcess | undefined;
  #log = "";

  private constructor(port: number, { settings = {}, tls = false }: RedisSettings) {
    this.port = port;
    this.folder = makeOwnedFolder("qpq-redis-");
    this.certificateFile = tls ? join(this.folder, certificateFiles.certificate) : undefined;
    this.#settings = settings;
    // a test that was forgotten to be ended, or that failed before it could
    process.on("exit", this.#onExit);
  }

  /** Answers when it takes connections. */
  static async start(settings: RedisSettings = {}): Promise<RedisProcess> {
    const server = new RedisProcess(await freePort(), settings);
    if (settings.tls) await writeCertificateFiles(server.folder);
    await server.startAgain();
    return server;
  }

  /** `redis://127.0.0.1:PORT`, or `rediss://localhost:PORT`. */
  get url(): string {
    return this.certificateFile === undefined ? `redis://127.0.0.1:${this.port}` : `rediss://localhost:${this.port}`;
  }

  /** What it has logged. */
  get log(): string {
    return this.#log;
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** At the same port, and empty unless its settings keep what it holds. */
  async startAgain(): Promise<void> {
    const endMs = performance.now() + startMsMax;
    while (!(await this.#tryStart())) {
      if (performance.now() > endMs) throw new Error(`redis-server does not start: ${this.#log.slice(-2_000)}`);
    }
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const exited = once(server, "exit");
    server.ref();
    server.kill("SIGKILL");
    await exited;
  }

  /** It keeps its connections and answers nothing until `resume`. */
  pause(): void {
    this.#server?.kill("SIGSTOP");
  }

  resume(): void {
    this.#server?.kill("SIGCONT");
  }

  /** One command, by redis-cli; answers what it printed. Throws when the server answers with an error. */
  command(...words: readonly string[]): string {
    const tls = this.certificateFile === undefined ? [] : ["--tls", "--cacert", this.certificateFile];
    const where = ["-h", tls.length > 0 ? "localhost" : "127.0.0.1", "-p", String(this.port), ...tls];
    const { status, stdout, stderr } = spawnSync("redis-cli", ["-e", ...where, ...words], { encoding: "utf8" });
    if (status !== 0) throw new Error(`redis-cli ${words[0]}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    process.off("exit", this.#onExit);
    removeFolder(this.folder);
  }

  #onExit = (): void => {
    this.#server?.kill("SIGKILL");
    removeFolder(this.folder);
  };

  #arguments(): string[] {
    const tls = {
      port: 0,
      "tls-port": this.port,
      "tls-cert-file": certificateFiles.certificate,
      "tls-key-file": certificateFiles.key,
      "tls-ca-cert-file": certificateFiles.certificate,
      "tls-auth-clients": "no",
    };
    const settings = {
      bind: "127.0.0.1",
      dir: this.folder,
      save: "",
      appendonly: "no",
      ...(this.certificateFile === undefined ? { port: this.port } : tls),
      ...this.#settings,
    };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, ...wordsOf(value)]);
  }

  /** False: it ended at once, e.g. because its port was taken meanwhile. */
  async #tryStart(): Promise<boolean> {
    const command = ["--pdeathsig=KILL", "--", "redis-server", ...this.#arguments()];
    // the files of the certificate are named as they stand in the folder
    const server = spawn("setpriv", command, { stdio: ["ignore", "pipe", "pipe"], cwd: this.folder });
    const answer = Promise.withResolvers<boolean>();
    const from = this.#log.length;
    for (const output of [server.stdout, server.stderr]) {
      output.on("data", (chunk: Buffer) => {
        this.#log += chunk.toString();
        if (/Ready to accept connections/.test(this.#log.slice(from))) answer.resolve(true);
      });
    }
    server.on("error", answer.reject);
    server.on("exit", () => {
      if (this.#server === server) this.#server = undefined;
      answer.resolve(false);
    });
    this.#server = server;
    const isReady = await answer.promise;
    // from now on it must not keep this process from ending
    server.unref();
    for (const output of [server.stdout, server.stderr]) (output as unknown as { unref(): void }).unref();
    return isReady;
  }
}

/** Each word of a value is an argument of its own: `client-output-buffer-limit pubsub 32mb 8mb 60`; no word is "". */
function wordsOf(value: string | number): string[] {
  return value === "" ? [""] : String(value).split(" ");
}
