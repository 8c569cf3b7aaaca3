/** Runs a driver program as a process of its own, so that client, server and store do not share an event loop. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoopResult } from "../closed-loop.ts";
import { nodeFlags } from "../node-flags.ts";

type DriverName = "direct" | "quic" | "encoding" | "echo-server" | "echo-client";

/** The driver gets its task as JSON on standard input and answers with one line of JSON. */
export async function runDriver<Result = LoopResult>(name: DriverName, task: object): Promise<Result> {
  const [node, ...args] = nodeOf(name);
  const child = spawn(node, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(task));
  const output = await outputOf(child, `the ${name} driver`);
  return JSON.parse(output) as Result;
}

/** Node with a program of this folder and the young generation that qpq-server has too: no way is slowed by its driver's garbage. */
export function nodeOf(name: DriverName): [string, ...string[]] {
  return [process.execPath, ...nodeFlags, fileURLToPath(new URL(`./${name}.ts`, import.meta.url))];
}

export async function readTask<Task>(): Promise<Task> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  return JSON.parse(text) as Task;
}

function outputOf(child: ChildProcess, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve(output) : reject(new Error(`${what} ended with code ${code}`))));
  });
}
