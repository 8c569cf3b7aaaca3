/** Runs a driver program as a process of its own, so that client, server and store do not share an event loop. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoopResult } from "../closed-loop.ts";
import { onCore } from "../pinned.ts";

export type DriverName = "direct" | "quic" | "encoding" | "echo-client";

/** The driver gets its task as JSON on standard input and answers with one line of JSON. */
export async function runDriver<Result = LoopResult>(name: DriverName, task: object, core?: number): Promise<Result> {
  const child = spawnProgram([...nodeOf(name)], core);
  child.stdin?.end(JSON.stringify(task));
  return JSON.parse(await outputOf(child, `the ${name} driver`)) as Result;
}

/** Node with a program of this folder, with the young generation that qpq-server has too: garbage slows no way more than another. */
export function nodeOf(name: DriverName | "echo-server"): [string, ...string[]] {
  return [process.execPath, "--max-semi-space-size=64", fileURLToPath(new URL(`./${name}.ts`, import.meta.url))];
}

/** Its standard error is ours. */
export function spawnProgram(command: readonly [string, ...string[]], core?: number): ChildProcess {
  const [program, ...args] = onCore(core, command);
  return spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
}

export async function readTask<Task>(): Promise<Task> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return JSON.parse(text) as Task;
}

export function outputOf(child: ChildProcess, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`${what} ended with code ${code}`))));
  });
}
