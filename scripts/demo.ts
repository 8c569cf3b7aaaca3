/**
 * `npm run demo`: a real server process on the embedded store and a free port, and two people, Alice and Bob, each
 * their own `qpq` processes with their own keys. Shows what happened on each layer, and counts: what was acknowledged
 * to a sender must arrive, once and in order. `-- --crash` kills the server with SIGKILL in the middle.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Demo, type Person } from "./demo-processes.ts";

const crash = process.argv.includes("--crash");
const messagesEachWay = crash ? 300 : 10;
// the whole demo, in ms; past it something hangs, and that is a failure
const deadlineMs = 45_000;

const folder = mkdtempSync(join(tmpdir(), "qpq-demo-"));
const demo = new Demo(folder);
const timer = setTimeout(() => void finish(1, `demo: not done after ${deadlineMs / 1_000} s`), deadlineMs);
process.on("SIGINT", () => void finish(130, "demo: interrupted"));

try {
  await main();
  await finish(process.exitCode === undefined ? 0 : 1);
} catch (error) {
  await finish(1, `demo: ${(error as Error).message}`);
}

async function main(): Promise<void> {
  title("Server");
  const server = await demo.startServer();
  say(server.words.trimEnd());

  title("People");
  const alice = await demo.person("Alice");
  const bob = await demo.person("Bob");
  for (const person of [alice, bob]) say(`${person.name.padEnd(6)} ${person.key}`);
  for (const person of [alice, bob]) {
    const published = await demo.qpq(person, ["recv"]);
    say(`${person.name.padEnd(6)} ${published.words.filter((line) => line.startsWith("your keys")).join("")}`);
  }

  const toBob = textsOf("Alice", "Bob");
  const toAlice = textsOf("Bob", "Alice");
  title(
    `Alice sends ${toBob.length} messages, then Bob ${toAlice.length}; each is sealed for the peer before it leaves`,
  );
  if (!crash) {
    const sent = await demo.send(alice, bob, toBob);
    layers("Alice", sent.layers);
    showStored(toBob, sent.envelopeStarts);
    say("");
    layers("Bob", (await demo.send(bob, alice, toAlice)).layers);
    return count(toBob, (await demo.receive(bob, toBob.length)).texts, toAlice, await received(alice, toAlice.length));
  }

  const receiving = demo.receive(bob, toBob.length);
  const sending = demo.send(alice, bob, toBob);
  await demo.acknowledged(alice, Math.floor(toBob.length / 3));
  await server.kill("SIGKILL");
  say("server    killed with SIGKILL in the middle of it");
  await demo.startServer(server.port);
  say("server    started again on the same store");
  const sent = await sending;
  say(`Alice     repeated ${sent.retries} calls with the same idempotency keys`);
  const { texts } = await receiving;
  await demo.send(bob, alice, toAlice);
  count(toBob, texts, toAlice, await received(alice, toAlice.length));
}

async function received(person: Person, messages: number): Promise<readonly string[]> {
  const answer = await demo.receive(person, messages);
  if (!crash) layers(person.name, answer.layers);
  return answer.texts;
}

function textsOf(from: string, to: string): string[] {
  return Array.from(
    { length: messagesEachWay },
    (_, i) => `Hello ${to}, this is ${from} with message ${i + 1} of ${messagesEachWay}.`,
  );
}

function layers(name: string, lines: readonly string[]): void {
  for (const line of lines) say(`${name.padEnd(6)} ${line}`);
}

/** Looks for the texts and for the sealed bytes in the server's files. */
function showStored(texts: readonly string[], envelopeStarts: readonly string[]): void {
  const files = readdirSync(join(folder, "data")).filter((name) => name.startsWith("qpq.db"));
  const bytes = Buffer.concat(files.map((name) => readFileSync(join(folder, "data", name))));
  const inClear = texts.filter((text) => bytes.includes(text)).length;
  const sealed = envelopeStarts.filter((start) => bytes.includes(Buffer.from(start, "hex"))).length;
  say(
    `store  ${files.join(" + ")}, ${bytes.length} bytes: ${sealed} of ${envelopeStarts.length} envelopes found, ${inClear} texts found in clear`,
  );
  say(`store  an envelope begins ${envelopeStarts[0]} (version 1, then the ephemeral X25519 key)`);
  if (inClear > 0 || sealed !== envelopeStarts.length) process.exitCode = 1;
}

function count(
  toBob: readonly string[],
  bobGot: readonly string[],
  toAlice: readonly string[],
  aliceGot: readonly string[],
): void {
  title("Delivered");
  for (const [name, got] of [
    ["Bob", bobGot],
    ["Alice", aliceGot],
  ] as const)
    say(`${name.padEnd(6)} last read: ${got.at(-1) ?? "nothing"}`);
  const sent = [...toBob, ...toAlice];
  const got = [...bobGot, ...aliceGot];
  const lost = sent.filter((text) => !got.includes(text)).length;
  const inOrder = got.length === sent.length && got.every((text, i) => text === sent[i]);
  if (!inOrder) say(`got ${got.length} of ${sent.length}, not as they were sent`);
  if (lost > 0 || !inOrder) process.exitCode = 1;
  say("");
  say(`delivered: ${got.length} messages, ${lost} lost`);
}

function title(text: string): void {
  say(`\n== ${text}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function finish(code: number, words?: string): Promise<never> {
  clearTimeout(timer);
  await demo.stop();
  rmSync(folder, { recursive: true, force: true });
  if (words !== undefined) process.stderr.write(`${words}\n`);
  process.exit(code);
}
