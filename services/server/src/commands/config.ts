/**
 * `qpq-server config print|check|schema`: the settings that apply and where each came from, whether a start would accept
 * them, and their JSON Schema. What print writes is a qpq-server.toml that means the same, without the secrets.
 */
import { existsSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import { readConfig, type ServerConfig, type SettingInForce } from "../config.ts";
import { certificateFiles, loadCertificate } from "../certificate.ts";
import { requireFitForProduction } from "../production.ts";
import { knownOpaqueSetup } from "../secrets.ts";
import { settings, trueOrFalse } from "../settings.ts";
import { settingsSchema } from "../settings-schema.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

/** E046_CONFIG, E048_USAGE. */
export const config: OwnCommand = { options: { json: "switch" }, run };

async function run({ sources, words, options, print }: OwnProgram): Promise<void> {
  const [verb = ""] = words;
  if (words.length !== 1 || !["print", "check", "schema"].includes(verb)) {
    throw new QpqError("E048_USAGE", { text: "say which: qpq-server config print, config check or config schema" });
  }
  if (verb === "schema") return print(`${JSON.stringify(settingsSchema(), undefined, 2)}\n`);
  const { config, inForce } = readConfig(sources);
  if (verb === "print") return print(options["json"] === true ? asJson(inForce) : asToml(inForce));
  check(config);
  print("ok            a start takes these settings\nnext          qpq-server doctor\n");
}

/** What a start would refuse before it opens a port or the store. It makes no file. */
function check(config: ServerConfig): void {
  if (config.production) requireFitForProduction(config);
  const { certificateFile, keyFile } = certificateFiles(config);
  if (config.tlsCert !== undefined || existsSync(certificateFile) || existsSync(keyFile)) loadCertificate(config);
  knownOpaqueSetup(config);
}

function asJson(inForce: readonly SettingInForce[]): string {
  const rows = inForce.map(({ name, value, from }) =>
    value === undefined ? { name, secret: true, from } : { name, value: plain(name, value), from },
  );
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}

function asToml(inForce: readonly SettingInForce[]): string {
  const lines = inForce.map(({ name, value, from }) => {
    const text =
      value === undefined
        ? `# ${name} = ${from === "default" ? "" : "[secret]"}`
        : `${name} = ${JSON.stringify(plain(name, value))}`;
    return `${text.padEnd(44)} # ${from}\n`;
  });
  return lines.join("");
}

/** A switch is text inside. */
function plain(name: string, value: unknown): unknown {
  return settings()[name]?.format === trueOrFalse ? String(value) === "true" : value;
}
