/** The processes of the demo: one qpq-server, and a qpq for each thing a person does. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";

const clientProgram = fileURLToPath(new URL("../client/cli/bin/qpq.mjs", import.meta.url));

export type Person = { readonly name: string; readonly key: string; readonly stateFile: string; acknowledged: number };

type Ran = { readonly data: readonly Record<string, unknown>[]; readonly words: readonly string[] };
type RunOptions = { readonly stdin?: string; readonly onData?: () => void };

export class Demo {
  readonly #folder: string;
  readonly #children = new Set<ChildProcessWithoutNullStreams>();
  readonly #waiting = new Set<() => void>();
  #server: ServerProcess | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Port 0 = any free one. The same folder each time: a second start finds what the first one stored. */
  async startServer(port = 0): Promise<ServerProcess> {
    const dataDir = join(this.#folder, "data");
    this.#server = await startServerProcess({ dataDir, port, settings: { "log-level": "warn" } });
    return this.#server;
  }

  async person(name: string): Promise<Person> {
    const stateFile = `${name.toLowerCase()}.bin`;
    const { data } = await this.qpq({ name, stateFile, key: "", acknowledged: 0 }, ["whoami"]);
    return { name, stateFile, key: String(data[0]?.["identityKey"]), acknowledged: 0 };
  }

  /** Sends each text as one message; resolves when all are durable on the server. */
  async send(
    from: Person,
    to: Person,
    texts: readonly string[],
  ): Promise<{ layers: string[]; envelopeStarts: string[]; retries: number }> {
    const { data, words } = await this.qpq(from, ["send", to.key, "-", "--verbose"], {
      stdin: `${texts.join("\n")}\n`,
      onData: () => {
        from.acknowledged++;
        for (const look of this.#waiting) look();
      },
    });
    return {
      layers: layersOf(
        words,
        `sealed     ${texts.length} texts of ${Buffer.byteLength(texts[0] ?? "")} bytes in envelopes of ${data[0]?.["envelopeBytes"]} bytes`,
      ),
      envelopeStarts: data.map((line) => String(line["envelopeStart"])),
      retries: words.filter((line) => line.includes("next try in")).length,
    };
  }

  /** Waits for so many messages, opened and in order. */
  async receive(person: Person, messages: number): Promise<{ texts: string[]; layers: string[] }> {
    const { data, words } = await this.qpq(person, ["recv", "--count", String(messages), "--verbose"]);
    return {
      texts: data.map((line) => String(line["text"])),
      layers: layersOf(words, `opened     ${data.length} envelopes, senders' signatures checked`),
    };
  }

  /** Resolves when the person's sends have been acknowledged so many times. */
  acknowledged(person: Person, messages: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (person.acknowledged < messages) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Runs one qpq to its end; rejects when its exit code isn't 0. */
  qpq(person: Person, args: readonly string[], { stdin, onData }: RunOptions = {}): Promise<Ran> {
    const child = this.#spawn([...args, "--json"], {
      QPQ_SERVER: `127.0.0.1:${this.#server?.port}`,
      QPQ_CA_CERT: join("data", "server-cert.der"),
      QPQ_AUTH_TOKEN_FILE: join("data", "auth-token"),
      QPQ_STATE: person.stateFile,
    });
    child.stdin.end(stdin ?? "");
    const data: Record<string, unknown>[] = [];
    const words: string[] = [];
    eachLine(child.stderr, (line) => words.push(line));
    eachLine(child.stdout, (line) => {
      data.push(JSON.parse(line));
      onData?.();
    });
    return new Promise((resolve, reject) => {
      child.on("close", (code) => {
        if (code === 0) resolve({ data, words });
        else reject(new Error(`${person.name}: qpq ${args[0]} ended with code ${code}: ${words.at(-1)}`));
      });
    });
  }

  /** Ends every process that is left. */
  async stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #spawn(args: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [clientProgram, ...args], {
      cwd: this.#folder,
      env: { PATH: process.env["PATH"], ...env },
    });
    this.#children.add(child);
    child.on("exit", () => this.#children.delete(child));
    return child;
  }
}

/** `layers` lines of qpq --verbose --json, in words. */
function layersOf(words: readonly string[], payload: string): string[] {
  const line = words.find((text) => text.includes('"event":"layers"'));
  if (line === undefined) return [payload];
  const layer = JSON.parse(line) as Record<string, string | number | undefined>;
  return [
    payload,
    `rpc        ${layer["rpcCalls"]} calls (Cap'n Proto, NodeService)`,
    `security   ${layer["tlsVersion"]}, ${layer["cipher"] ?? "cipher not told by the library"}, ALPN ${layer["alpn"]}, certificate pinned`,
    `transport  QUIC version ${layer["quicVersion"]}: ${layer["datagramsOut"]} datagrams with ${layer["bytesOut"]} bytes out, ${layer["datagramsIn"]} with ${layer["bytesIn"]} bytes in`,
  ];
}

function eachLine(stream: NodeJS.ReadableStream, use: (line: string) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) if (line !== "") use(line);
  });
}
