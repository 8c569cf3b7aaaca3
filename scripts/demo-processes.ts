/** The processes of the demo: one qpq-server, and a qpq for each thing a person does. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type ServerProcess, startServerProcess } from "quicproquo-server/testing";

const clientProgram = fileURLToPath(new URL("../client/cli/bin/qpq.mjs", import.meta.url));

export type Person = {
  readonly name: string;
  readonly key: string;
  readonly stateFile: string;
  /** What registering put on the server, in words. */
  readonly published: string;
  /** Messages that the server has acknowledged so far. */
  acknowledged: number;
};

export type SentMessage = {
  readonly message: string;
  readonly bytes: number;
  readonly wrapped: boolean;
  readonly count: number;
};

type Data = Readonly<Record<string, unknown>>;
type Ran = {
  readonly code: number | null;
  readonly data: readonly Data[];
  readonly words: readonly string[];
  readonly sent: readonly SentMessage[];
};
type RunOptions = { readonly stdin?: string; readonly onData?: () => void };

export class Demo {
  /** Every MLS message that was sent so far. */
  readonly sent: SentMessage[] = [];
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

  async killServer(): Promise<void> {
    await this.#server?.kill("SIGKILL");
  }

  async person(name: string): Promise<Person> {
    const nobody = { name, stateFile: `${name.toLowerCase()}.bin`, key: "", published: "", acknowledged: 0 };
    const { data } = await this.qpq(nobody, ["register-state", "--verbose"]);
    const who = await this.qpq(nobody, ["whoami"]);
    const [news = {}] = data;
    const published = `${news["keyPackages"]} KeyPackages, 1 last resort, signed hybrid key`;
    return { ...nobody, key: String(who.data[0]?.["identityKey"]), published };
  }

  /** Sends each text as one message; resolves when all are durable on the server. */
  async send(from: Person, group: string, texts: readonly string[], flags: readonly string[] = []) {
    const { words, sent } = await this.qpq(from, ["send", group, "-", "--verbose", ...flags], {
      stdin: `${texts.join("\n")}\n`,
      onData: () => {
        from.acknowledged++;
        for (const look of this.#waiting) look();
      },
    });
    return { sent, layers: layersOf(words), retries: words.filter((line) => line.includes("next try in")).length };
  }

  /** Waits for so many messages, opened and in order. */
  async receive(person: Person, messages: number): Promise<string[]> {
    const events = await this.events(person, ["recv", "--count", String(messages)]);
    return events.filter(isChat).map(({ text }) => String(text));
  }

  async events(person: Person, args: readonly string[]): Promise<readonly Data[]> {
    return (await this.qpq(person, args)).data;
  }

  /** The code that is the same for all members of an epoch. */
  async groupCode(person: Person, group: string): Promise<string> {
    await this.events(person, ["recv"]);
    const [answer] = await this.events(person, ["check-key", group]);
    return `${person.name} ${String(answer?.["code"]).slice(0, 9)}`;
  }

  /** Of a command that must fail: what it says. */
  async failure(person: Person, args: readonly string[]): Promise<string> {
    const { code, words } = await this.#run(person, args, {});
    if (code === 0) throw new Error(`${person.name}: qpq ${args[0]} should have failed`);
    return words.at(-1) ?? "";
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
  async qpq(person: Person, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.#run(person, args, options);
    if (ran.code !== 0)
      throw new Error(`${person.name}: qpq ${args[0]} ended with code ${ran.code}: ${ran.words.at(-1)}`);
    this.sent.push(...ran.sent);
    return ran;
  }

  /** Ends every process that is left. */
  async stop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    for (const child of this.#children) child.kill("SIGKILL");
  }

  #run(person: Person, args: readonly string[], { stdin, onData }: RunOptions): Promise<Ran> {
    const child = this.#spawn(person, [...args, "--json"]);
    child.stdin.on("error", () => undefined); // it ended before it read all
    child.stdin.end(stdin ?? "");
    const data: Data[] = [];
    const words: string[] = [];
    eachLine(child.stderr, (line) => words.push(line));
    eachLine(child.stdout, (line) => {
      data.push(JSON.parse(line));
      onData?.();
    });
    return new Promise((resolve) => {
      child.on("close", (code) => {
        const layers = words.find((line) => line.includes('"event":"layers"'));
        resolve({ code, data, words, sent: layers === undefined ? [] : JSON.parse(layers).sent });
      });
    });
  }

  #spawn({ stateFile }: Person, args: readonly string[]): ChildProcessWithoutNullStreams {
    const env = {
      PATH: process.env["PATH"],
      QPQ_SERVER: `127.0.0.1:${this.#server?.port}`,
      QPQ_CA_CERT: join("data", "server-cert.der"),
      QPQ_AUTH_TOKEN_FILE: join("data", "auth-token"),
      QPQ_STATE: stateFile,
    };
    const child = spawn(process.execPath, [clientProgram, ...args], { cwd: this.#folder, env });
    this.#children.add(child);
    child.on("exit", () => this.#children.delete(child));
    return child;
  }
}

function isChat({ kind, message }: Data): boolean {
  return kind === "message" && (message as Data)["type"] === "chat";
}

/** The `layers` line of qpq --verbose --json, in words. */
function layersOf(words: readonly string[]): string[] {
  const line = words.find((text) => text.includes('"event":"layers"'));
  if (line === undefined) return [];
  const layer = JSON.parse(line) as Record<string, string | number | undefined> & { sent: readonly SentMessage[] };
  return [
    `mls        ${layer.sent.map(({ message, bytes, count }) => `${count} x ${message} of ${bytes} bytes`).join(", ")} (suite 0x0001)`,
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
