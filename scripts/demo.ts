/**
 * `npm run demo`: a real server process on the embedded store and a free port, and people who are each their own `qpq`
 * processes with their own keys: Alice, Bob and then Carol in an MLS group. Shows what happened on each layer, what the
 * server stored, and counts: what was acknowledged to a sender must be read by each member, once and in order.
 * `-- --crash` kills the server with SIGKILL in the middle of the messages.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Demo, type Person } from "./demo-processes.ts";

const crash = process.argv.includes("--crash");
const messagesEachWay = crash ? 200 : 5;
// the whole demo, in ms; past it something hangs, and that is a failure
const deadlineMs = 48_000;
const group = "climbing";

const folder = mkdtempSync(join(tmpdir(), "qpq-demo-"));
const demo = new Demo(folder);
const timer = setTimeout(() => void finish(1, `demo: not done after ${deadlineMs / 1_000} s`), deadlineMs);
process.on("SIGINT", () => void finish(130, "demo: interrupted"));

/** The size of each kind of MLS message, as it was first sent. */
const seen = new Map<string, number>();
/** What each reader must have read, and what they read. */
const ledger: { reader: string; sent: string[]; read: readonly string[] }[] = [];

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

  title("People: keys of their own, and on the server what others need to invite them");
  const [alice, bob, carol] = await Promise.all(["Alice", "Bob", "Carol"].map((name) => demo.person(name)));
  if (alice === undefined || bob === undefined || carol === undefined) throw new Error("nobody came");
  for (const { name, key, published } of [alice, bob, carol]) say(`${name.padEnd(6)} ${key}  new: ${published}`);

  title(`Alice begins the group and invites Bob; the Welcome goes through the server`);
  await demo.qpq(alice, ["create-group", group]);
  say(sizes("Alice", await demo.qpq(alice, ["invite", group, bob.key, "--verbose"])));
  say(`Bob    ${(await demo.events(bob, ["join"])).map(({ kind }) => kind).join(", ")}`);

  const toBob = textsOf("Alice", "Bob");
  title(`Alice sends ${toBob.length} messages, then Bob ${toBob.length}`);
  if (crash) await sendThroughCrash(alice, bob, { texts: toBob, port: server.port });
  else {
    const sent = await demo.send(alice, group, toBob);
    for (const line of sent.layers) say(`Alice  ${line}`);
    showStored(toBob);
    record("Bob", toBob, await demo.receive(bob, toBob.length));
  }
  const toAlice = textsOf("Bob", "Alice");
  await demo.send(bob, group, toAlice);
  record("Alice", toAlice, await demo.receive(alice, toAlice.length));

  title("Alice adds Carol; one Commit for Bob and one Welcome for Carol in one transaction");
  say(sizes("Alice", await demo.qpq(alice, ["invite", group, carol.key, "--verbose"])));
  await demo.events(carol, ["join"]);
  say(`all    ${(await Promise.all([alice, bob, carol].map((person) => demo.groupCode(person, group)))).join(" = ")}`);

  title("A message with a hybrid (X25519 + ML-KEM-768) envelope around the MLS message");
  const hybrid = ["This one would also need a quantum computer."];
  const wrapped = await demo.send(carol, group, hybrid, ["--hybrid"]);
  say(sizes("Carol", wrapped));
  record("Alice", hybrid, await demo.receive(alice, 1));
  record("Bob", hybrid, await demo.receive(bob, 1));

  title("Alice removes Bob, who then tries to read on");
  say(sizes("Alice", await demo.qpq(alice, ["remove", group, bob.key, "--verbose"])));
  const secret = ["Bob cannot read this."];
  await demo.send(alice, group, secret);
  record("Carol", secret, await demo.receive(carol, 1));
  const bobSees = await demo.events(bob, ["recv"]);
  say(
    `Bob    is told: ${bobSees.map(({ kind }) => kind).join(", ")}; messages he could read: ${textsIn(bobSees).length}`,
  );
  if (textsIn(bobSees).length > 0) process.exitCode = 1;
  say(`Bob    sends: ${await demo.failure(bob, ["send", group, "Let me in"])}`);

  title("Sizes in bytes, beside those of the original's first release");
  for (const line of sizeTable()) say(line);
  count();
}

async function sendThroughCrash(
  alice: Person,
  bob: Person,
  { texts, port }: { texts: string[]; port: number },
): Promise<void> {
  const receiving = demo.receive(bob, texts.length);
  const sending = demo.send(alice, group, texts);
  await demo.acknowledged(alice, Math.floor(texts.length / 3));
  await demo.killServer();
  say("server killed with SIGKILL in the middle of it");
  await demo.startServer(port);
  say("server started again on the same store");
  const { retries } = await sending;
  say(`Alice  repeated ${retries} calls with the same idempotency keys`);
  record("Bob", texts, await receiving);
}

function textsOf(from: string, to: string): string[] {
  return Array.from(
    { length: messagesEachWay },
    (_, i) => `Hello ${to}, this is ${from} with message ${i + 1} of ${messagesEachWay}.`,
  );
}

function textsIn(events: readonly Record<string, unknown>[]): unknown[] {
  return events.filter(({ kind }) => kind === "message");
}

function record(reader: string, sent: string[], read: readonly string[]): void {
  ledger.push({ reader, sent, read });
}

/** Looks for the texts in the server's files. */
function showStored(texts: readonly string[]): void {
  const files = readdirSync(join(folder, "data")).filter((name) => name.startsWith("qpq.db"));
  const bytes = Buffer.concat(files.map((name) => readFileSync(join(folder, "data", name))));
  const inClear = texts.filter((text) => bytes.includes(text)).length;
  say(`store  ${files.join(" + ")}, ${bytes.length} bytes: ${inClear} of ${texts.length} texts found in clear`);
  if (inClear > 0) process.exitCode = 1;
}

/** The MLS messages that a command sent, in words; kept for the table at the end. */
function sizes(
  name: string,
  { sent }: { sent: readonly { message: string; bytes: number; wrapped: boolean; count: number }[] },
): string {
  for (const { message, bytes, wrapped } of sent) {
    const kind = `${message}${wrapped ? " in a hybrid envelope" : ""}`;
    if (!seen.has(kind)) seen.set(kind, bytes);
  }
  return `${name.padEnd(6)} sent ${sent.map(({ message, bytes, wrapped, count }) => `${count} x ${message} of ${bytes} bytes${wrapped ? " (hybrid)" : ""}`).join(", ")}`;
}

function sizeTable(): string[] {
  const original: Readonly<Record<string, number>> = { KeyPackage: 306, Welcome: 840, Commit: 736, message: 143 };
  for (const { message, bytes } of demo.sent) if (!seen.has(message)) seen.set(message, bytes);
  const rows = [...seen].map(
    ([kind, bytes]) => `${kind.padEnd(32)}${String(bytes).padStart(6)}${String(original[kind] ?? "").padStart(10)}`,
  );
  return [
    `${"".padEnd(32)}${"here".padStart(6)}${"original".padStart(10)}`,
    ...rows,
    "Messages are padded to buckets of 256 bytes and more, so that their length says little; the original's was not.",
  ];
}

function count(): void {
  title("Delivered");
  let delivered = 0;
  let lost = 0;
  for (const { reader, sent, read } of ledger) {
    const missing = sent.filter((text) => !read.includes(text)).length;
    const asSent = read.length === sent.length && read.every((text, i) => text === sent[i]);
    say(
      `${reader.padEnd(6)} read ${read.length} of ${sent.length}${asSent ? ", in order" : ", NOT as they were sent"}; the last: ${read.at(-1)}`,
    );
    delivered += sent.length - missing;
    lost += missing;
    if (!asSent) process.exitCode = 1;
  }
  say("");
  say(`delivered: ${delivered} messages, ${lost} lost`);
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
