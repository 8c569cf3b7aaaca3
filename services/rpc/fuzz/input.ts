/**
 * What one run does to a session, step by step, and its text form (files of a corpus). Whoever has the text can run
 * it again: no step depends on chance.
 *
 * | line | step |
 * |---|---|
 * | `target NAME`, `variant NAME` | what is run, and how it is set up |
 * | `bytes HEX` | the peer's bytes, one chunk |
 * | `act NAME A B` | the session's own side does something; A and B choose what with |
 * | `turn` | everything that was on its way has its effect |
 * | `end`, `cut` | the peer ends its side; the line is lost |
 * | `block`, `drain` | the stream takes no more; it takes more again |
 * | `improvise SEED COUNT` | messages made from what the session has in its tables at that time; in files they stand as bytes |
 */
export type Op =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "act"; readonly name: string; readonly a: number; readonly b: number }
  | { readonly kind: "turn" | "end" | "cut" | "block" | "drain" }
  | { readonly kind: "improvise"; readonly seed: number; readonly count: number };

export type Input = { readonly target: string; readonly variant: string; readonly ops: readonly Op[] };

export function textOf({ target, variant, ops }: Input, comments: readonly string[] = []): string {
  const head = [...comments.map((line) => `# ${line}`), `target ${target}`, `variant ${variant}`];
  return `${[...head, ...ops.map(lineOf)].join("\n")}\n`;
}

function lineOf(op: Op): string {
  if (op.kind === "bytes") return `bytes ${Buffer.from(op.bytes).toString("hex")}`;
  if (op.kind === "act") return `act ${op.name} ${op.a} ${op.b}`;
  return op.kind === "improvise" ? `improvise ${op.seed} ${op.count}` : op.kind;
}

/** Throws SyntaxError on a line that is no step. */
export function inputOf(text: string): Input {
  const input = { target: "", variant: "", ops: [] as Op[] };
  for (const line of text.split("\n")) {
    const [word = "", first = "", second = "", third = ""] = line.trim().split(" ");
    if (word === "" || word.startsWith("#")) continue;
    if (word === "target" || word === "variant") input[word] = first;
    else input.ops.push(opOf(word, [first, second, third]));
  }
  return input;
}

function opOf(word: string, [first, second, third]: readonly [string, string, string]): Op {
  switch (word) {
    case "bytes":
      return { kind: "bytes", bytes: Uint8Array.from(Buffer.from(first, "hex")) };
    case "act":
      return { kind: "act", name: first, a: Number(second), b: Number(third) };
    case "improvise":
      return { kind: "improvise", seed: Number(first), count: Number(second) };
    case "turn":
    case "end":
    case "cut":
    case "block":
    case "drain":
      return { kind: word };
    default:
      throw new SyntaxError(`${word} is not a step of an input`);
  }
}
