/** Flags that belong to one command and are no settings: `--json`, `--once`. They may stand anywhere behind its word. */
import { QpqError } from "quicproquo-proto";

export type OwnOption = "switch" | "value";
export type OwnOptions = Readonly<Record<string, string | true>>;

/** `rest`: everything else, in its order. E048_USAGE for a value that is missing, or one of a switch. */
export function takeOwnOptions(
  args: readonly string[],
  known: Readonly<Record<string, OwnOption>>,
): { readonly options: OwnOptions; readonly rest: readonly string[] } {
  const options: Record<string, string | true> = {};
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const [name = "", given] = arg.startsWith("--") ? splitOnce(arg.slice(2)) : [];
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) rest.push(arg);
    else if (kind === "switch" && given === undefined) options[name] = true;
    else if (kind === "switch") throw new QpqError("E048_USAGE", { text: `--${name} takes no value` });
    else options[name] = given ?? valueBehind(args[++i], name);
  }
  return { options, rest };
}

/** A positive number, or the default where the flag is not there. E048_USAGE. */
export function positiveOption(options: OwnOptions, name: string, byDefault: number): number {
  const text = options[name];
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new QpqError("E048_USAGE", { text: `--${name} must be above 0` });
  return value;
}

function splitOnce(text: string): [name: string, value?: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function valueBehind(value: string | undefined, name: string): string {
  if (value !== undefined && !value.startsWith("--")) return value;
  throw new QpqError("E048_USAGE", { text: `--${name} needs a value` });
}
