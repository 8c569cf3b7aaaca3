/** Reads a Dockerfile as far as ours goes: stages, instructions with continuation lines, exec forms. */
import { readFileSync } from "node:fs";
import { matchesGlob } from "node:path";

export type Instruction = { readonly name: string; readonly text: string };
export type Stage = { readonly name: string; readonly instructions: readonly Instruction[] };

/** The stages in their order; each begins with its FROM. */
export function parseDockerfile(file: string): readonly Stage[] {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", text = ""] = /^([A-Z]+) +(.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push({ name: / AS (\S+)$/.exec(text)?.[1] ?? "", instructions: [] });
    stages.at(-1)?.instructions.push({ name, text });
  }
  return stages;
}

/** What follows an instruction that stands once in a stage. */
export function textOf({ name, instructions }: Stage, wanted: string): string {
  const found = instructions.filter((instruction) => instruction.name === wanted);
  if (found.length !== 1) throw new Error(`stage ${name} has ${found.length} ${wanted}`);
  return found[0]?.text ?? "";
}

/** `["qpq-server", "probe"]`, also behind the flags and the CMD of a HEALTHCHECK. */
export function execForm(text: string): readonly string[] {
  return JSON.parse(text.slice(text.indexOf("["))) as string[];
}

/** `A=1 B=2`; a variable in a value is not replaced. */
export function assignmentsIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split(/\s+/).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.replace(/^[^=]*=/, "")]),
  );
}

/** Whether a path of the context reaches the build, by a .dockerignore that leaves out all but what it names with `!`. */
export function reachesBuild(ignoreFile: string, path: string): boolean {
  const lines = readFileSync(ignoreFile, "utf8").split("\n");
  if (!lines.includes("*")) throw new Error(`${ignoreFile} does not begin by leaving out everything`);
  return lines.some((line) => line.startsWith("!") && matchesGlob(path, line.slice(1)));
}
