/**
 * The settings as a JSON Schema (draft 2020-12) of the file qpq-server.toml, for editors, and for whoever writes that file
 * by program. Secrets stand in it too, as `writeOnly`: the file may hold them, though a file of their own is better.
 */
import { type Setting, settings, trueOrFalse } from "./settings.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

export function settingsSchema(): JsonSchema {
  const properties = Object.entries(settings()).map(([name, setting]) => [name, schemaOf(setting)]);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Settings of qpq-server",
    type: "object",
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function schemaOf(setting: Setting): JsonSchema {
  const { doc: description, sensitive = false } = setting;
  const isSwitch = setting.format === trueOrFalse;
  return {
    description,
    ...typeOf(setting),
    ...(sensitive ? { writeOnly: true } : { default: isSwitch ? setting.default === "true" : setting.default }),
  };
}

function typeOf({ format }: Setting): JsonSchema {
  if (Array.isArray(format)) return { enum: format };
  if (format === trueOrFalse) return { type: "boolean" };
  if (format === String) return { type: "string" };
  if (format === "port") return { type: "integer", minimum: 0, maximum: 65_535 };
  if (format === "nat") return { type: "integer", minimum: 0 };
  // each of the other formats is a function that says what it takes
  return (format as { readonly schema: JsonSchema }).schema;
}
