/** Passwords: from the environment, from a file, or from the terminal, which does not show them; never from a flag. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { QpqError } from "quicproquo-proto";
import { type Options, readNamed } from "./options.ts";

/** QPQ_PASSWORD, the text of the file named by QPQ_PASSWORD_FILE, or what is typed. E048_USAGE where there is no terminal. */
export async function readPassword(options: Options, question: string): Promise<string> {
  return givenPassword(options) ?? (await ask([question]))[0];
}

/** One that is typed is typed twice. E048_USAGE also when the two differ. */
export async function readNewPassword(options: Options, question: string): Promise<string> {
  const given = givenPassword(options);
  if (given !== undefined) return given;
  const [password, again] = await ask([question, "the same again: "]);
  if (password !== again) throw new QpqError("E048_USAGE", { text: "the two passwords differ; nothing was changed" });
  return password;
}

function givenPassword({ env }: Options): string | undefined {
  const given = env["QPQ_PASSWORD"] ?? "";
  const file = env["QPQ_PASSWORD_FILE"] ?? "";
  if (given !== "" || file === "") return given === "" ? undefined : given;
  // editors end a file with a new line; spaces may be meant
  return readNamed(file, "QPQ_PASSWORD_FILE")
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

async function ask<const Questions extends readonly string[]>(
  questions: Questions,
): Promise<{ [Index in keyof Questions]: string }> {
  const { stdin: input, stderr } = process;
  if (!input.isTTY) {
    const text = "a password is needed, and there is no terminal to ask at; set QPQ_PASSWORD_FILE or QPQ_PASSWORD";
    throw new QpqError("E048_USAGE", { text });
  }
  // readline edits the line, and shows it here
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  using terminal = createInterface({ input, output, terminal: true, historySize: 0 });
  const interrupted = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new QpqError("E048_USAGE", { text: "no password was given" }));
    terminal.once("SIGINT", stop).once("close", stop);
  });
  interrupted.catch(() => undefined);
  const answers: string[] = [];
  for (const question of questions) {
    stderr.write(question);
    answers.push(await Promise.race([terminal.question(""), interrupted]));
    stderr.write("\n");
  }
  return answers as { [Index in keyof Questions]: string };
}
