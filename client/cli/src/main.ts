/** qpq: picks the command, prints errors with their code and next step, sets the exit code. */
import { readFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import type { Command } from "./command.ts";
import { login, logout, passwd, registerUser } from "./commands/account.ts";
import { bench } from "./commands/bench.ts";
import { checkKey } from "./commands/check-key.ts";
import { completion } from "./commands/completion.ts";
import { createGroup } from "./commands/create-group.ts";
import { demoGroup } from "./commands/demo-group.ts";
import { devices } from "./commands/devices.ts";
import { health } from "./commands/health.ts";
import { history } from "./commands/history.ts";
import { list } from "./commands/list.ts";
import { invite, leave, members, remove, update } from "./commands/members.ts";
import { block, resolve, unblock } from "./commands/people.ts";
import { ping } from "./commands/ping.ts";
import { refreshKeypackage, registerState } from "./commands/publish.ts";
import { join, recv } from "./commands/recv.ts";
import { send } from "./commands/send.ts";
import { whoami } from "./commands/whoami.ts";
import { flags, parseOptions, wordsIn } from "./options.ts";
import { Output, visible } from "./output.ts";

const commands: Readonly<Record<string, Command>> = {
  whoami,
  "register-user": registerUser,
  login,
  logout,
  passwd,
  "register-state": registerState,
  "create-group": createGroup,
  invite,
  join,
  send,
  recv,
  list,
  history,
  members,
  remove,
  leave,
  update,
  "check-key": checkKey,
  resolve,
  block,
  unblock,
  devices,
  "refresh-keypackage": refreshKeypackage,
  health,
  ping,
  "demo-group": demoGroup,
  bench,
  completion: completion(() => commands),
};

/** ops.md, CLI contract. */
const exitCodes = { failed: 1, usage: 2, unreachable: 3, auth: 4, timeout: 5 } as const;

async function main(args: readonly string[]): Promise<void> {
  const named = commandNamed(wordsIn(args)[0]);
  const own = await named?.own?.(wordsIn(args).slice(1));
  const options = parseOptions(args, process.env, own?.flags);
  if (options.version) return void process.stdout.write(`qpq ${version()}\n`);
  const [verb, ...words] = options.words;
  if (options.help || verb === undefined) return void process.stdout.write(own?.help ?? help());
  const command = commandNamed(verb);
  if (command === undefined) {
    throw new QpqError("E048_USAGE", { text: `there is no command ${verb}.${didYouMean(verb)} See: qpq --help` });
  }
  if (words.length < command.wordsMin || words.length > command.wordsMax) {
    throw new QpqError("E048_USAGE", { text: `usage: qpq ${verb} ${command.words}`.trimEnd() });
  }
  await command.run(options, new Output(options.json), words);
}

function commandNamed(verb: string | undefined): Command | undefined {
  return verb !== undefined && Object.hasOwn(commands, verb) ? commands[verb] : undefined;
}

function help(): string {
  const verbs = Object.entries(commands).map(([name, { words, doc }]) => `  ${`${name} ${words}`.padEnd(28)}${doc}`);
  const rows = Object.entries(flags).map(([name, flag]) => {
    const short = "short" in flag ? `-${flag.short}, ` : "";
    const from = "env" in flag ? ` (${flag.env}${"default" in flag ? `, default ${flag.default}` : ""})` : "";
    return `  ${`${short}--${name}`.padEnd(20)}${flag.doc}${from}`;
  });
  return `qpq: end-to-end encrypted messages through a quicproquo server

  export QPQ_SERVER=127.0.0.1:7000 QPQ_CA_CERT=data/server-cert.der
  qpq register-user alice                 your name, bound to your key; asks for a password
  qpq login alice
  qpq send bob "see you at nine"
  qpq check-key bob                       the same digits for both, or somebody stands in between
  qpq recv --follow
  qpq create-group climbing
  qpq invite climbing bob

Commands
${verbs.join("\n")}

Flags
${rows.join("\n")}

Secrets are never flags: QPQ_PASSWORD or QPQ_PASSWORD_FILE (else you are asked), QPQ_AUTH_TOKEN or QPQ_AUTH_TOKEN_FILE for
a server's static token, and QPQ_STATE_PASSWORD for an encrypted state file.
Completion of commands and flags: source <(qpq completion bash), or zsh; qpq completion fish | source.
Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 not allowed, 5 timed out.
`;
}

/** The command that shares the most leading letters, if any. */
function didYouMean(verb: string): string {
  const near = Object.keys(commands).filter((name) => name[0] === verb[0]);
  return near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof QpqError)) return exitCodes.failed;
  if (error.code === "E048_USAGE") return exitCodes.usage;
  if (error.code === "E028_DEADLINE") return exitCodes.timeout;
  if (error.kind === "unavailable") return exitCodes.unreachable;
  return error.kind === "denied" ? exitCodes.auth : exitCodes.failed;
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

// a reader that stops early (`qpq recv | head`) is no error
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv.slice(2)).catch((error: unknown) => {
  const told = error instanceof QpqError ? error.reason : String((error as Error).stack ?? error);
  process.stderr.write(`qpq: ${visible(told)}\n`);
  process.exitCode = exitCodeOf(error);
});
