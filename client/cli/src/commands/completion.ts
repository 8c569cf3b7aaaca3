/** qpq completion: a script that completes commands, flags and scenarios in a shell. Made of the tables that the help is made of. */
import { QpqError } from "quicproquo-proto";
import type { Command } from "../command.ts";
import { flags } from "../options.ts";

const shells: Readonly<Record<string, (tree: Tree) => string>> = { bash, zsh, fish };

/** `commands`: asked when it runs, for this one is among them. */
export function completion(commands: () => Readonly<Record<string, Command>>): Command {
  return {
    words: Object.keys(shells).join("|"),
    doc: "a script that completes commands and flags in your shell",
    wordsMin: 1,
    wordsMax: 1,
    async run(_, output, [shell = ""]) {
      const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
      if (script === undefined) {
        throw new QpqError("E048_USAGE", { text: `completion is for ${Object.keys(shells).join(", ")}, not ${shell}` });
      }
      output.raw(script(await treeOf(commands())));
    },
  };
}

type Words = Readonly<Record<string, string>>;

/** What may be typed, each word with what it is. Flags stand with their dashes. */
type Tree = {
  readonly verbs: Words;
  readonly flags: Words;
  readonly behind: Readonly<Record<string, { readonly words: Words; readonly flags: Words }>>;
};

async function treeOf(commands: Readonly<Record<string, Command>>): Promise<Tree> {
  const behind: Record<string, Tree["behind"][string]> = {};
  for (const [verb, { own }] of Object.entries(commands)) {
    const ours = await own?.([]);
    if (ours !== undefined) behind[verb] = { words: ours.words ?? {}, flags: dashed(ours.flags) };
  }
  const verbs = Object.entries(commands).map(([verb, { doc }]) => [verb, doc] as const);
  return { verbs: Object.fromEntries(verbs), flags: dashed(flags), behind };
}

function dashed(table: Readonly<Record<string, { readonly doc: string }>>): Words {
  return Object.fromEntries(Object.entries(table).map(([name, { doc }]) => [`--${name}`, doc]));
}

/** Files where nothing of ours fits, as bash does by itself. */
function bash({ verbs, flags, behind }: Tree): string {
  const cases = Object.entries(behind).map(([verb, own]) => {
    return `    ${verb}) words="${namesOf(own.words)}"; flags="$flags ${namesOf(own.flags)}" ;;`;
  });
  return `# qpq completion bash
_qpq() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words="" flags="${namesOf(flags)}"
  if [ "$COMP_CWORD" -eq 1 ]; then words="${namesOf(verbs)}"; fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
  esac
}
complete -o default -F _qpq qpq
`;
}

function zsh(tree: Tree): string {
  return `autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bash(tree)}`;
}

function fish({ verbs, flags, behind }: Tree): string {
  const line = (when: string, word: string, doc: string): string => {
    const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
    return `complete -c qpq${when === "" ? "" : ` -n '${when}'`} ${what} -d ${quoted(doc)}`;
  };
  const lines = [
    ...Object.entries(verbs).map(([word, doc]) => line("__fish_use_subcommand", word, doc)),
    ...Object.entries(flags).map(([word, doc]) => line("", word, doc)),
    ...Object.entries(behind).flatMap(([verb, own]) => {
      const when = `__fish_seen_subcommand_from ${verb}`;
      return Object.entries({ ...own.words, ...own.flags }).map(([word, doc]) => line(when, word, doc));
    }),
  ];
  return `# qpq completion fish\n${lines.join("\n")}\n`;
}

function namesOf(words: Words): string {
  return Object.keys(words).join(" ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
