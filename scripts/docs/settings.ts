/** The page of settings, from the server's own table. */
import { liveNames } from "../../services/server/src/live-settings.ts";
import { kebab, settings } from "../../services/server/src/settings.ts";
import { settingsSchema } from "../../services/server/src/settings-schema.ts";
import { madeBy } from "./made-by.ts";

type Schema = {
  readonly enum?: readonly string[];
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
};

export function settingsPage(): string {
  const schemas = settingsSchema()["properties"] as Readonly<Record<string, Schema>>;
  const rows = Object.entries(settings()).map(([name, { doc, env, sensitive = false, default: byDefault }]) => {
    const takes = sensitive ? "secret" : valuesOf(schemas[name] ?? {});
    const names = [name, ...(sensitive ? [] : [`--${kebab(name)}`]), env];
    const value = sensitive || byDefault === "" ? "" : `\`${String(byDefault)}\``;
    return `| ${names.map((each) => `\`${each}\``).join("<br>")} | ${takes} | ${value} | ${doc}${liveNames.has(name) ? " ↻" : ""} |`;
  });
  return `# Settings

${madeBy("`services/server/src/settings.ts`")}

Default < \`qpq-server.toml\` in the folder where it starts (or \`--config FILE\`) < environment < flag. An unknown key or a
wrong value ends the start with E046_CONFIG and its name. A unit stands at the end of a name: \`drainMs\`, \`payloadBytesMax\`.

Secrets have no flag. Each may come from a file that its variable with \`_FILE\` behind it names:
\`QPQ_DATABASE_PASSWORD_FILE=/run/secrets/db\`.

\`qpq-server config print\` shows which settings apply and where each came from, \`config check\` whether a start would take
them, \`config schema\` a JSON Schema of the file for editors.

Those with ↻ are taken from the file again at SIGHUP ([change them while it runs](../operate/scale.md#settings-that-change-while-it-runs)).

| in the file, flag, variable | takes | default | meaning |
|---|---|---|---|
${rows.join("\n")}
`;
}

function valuesOf({ enum: words, type, minimum, maximum, pattern }: Schema): string {
  if (words !== undefined) return words.map((word) => `\`${word}\``).join(", ");
  if (type === "boolean") return "`true`, `false`";
  if (pattern !== undefined || type === "string") return "text";
  if (maximum !== undefined) return `${minimum} to ${maximum}`;
  return `from ${minimum ?? 0}`;
}
