/**
 * `qpq-server doctor`: looks at all that a server with these settings needs, and says of each thing that is not well the
 * code and the next command. Ends with 0 when nothing is worse than a warning.
 */
import { QpqError } from "quicproquo-proto";
import { loadConfig, type ServerConfig } from "../config.ts";
import { examine, refusedSettings } from "../ops/doctor/doctor.ts";
import type { Finding } from "../ops/doctor/finding.ts";
import type { ProbeOptions } from "../ops/probe.ts";
import { dialHost, ownPin } from "./probe.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

const probeMsMax = 5_000;

/** E048_USAGE. */
export const doctor: OwnCommand = { options: { json: "switch" }, run };

async function run({ sources, words, options, print }: OwnProgram): Promise<void> {
  if (words.length > 0) throw new QpqError("E048_USAGE", { text: "qpq-server doctor takes flags only" });
  const findings = await findingsOf(sources);
  if (options["json"] === true) print(`${JSON.stringify(findings, undefined, 2)}\n`);
  else print(findings.map(lineOf).join(""));
  if (findings.some(({ level }) => level === "error")) process.exitCode = 1;
}

async function findingsOf(sources: OwnProgram["sources"]): Promise<Finding[]> {
  let config: ServerConfig;
  try {
    config = loadConfig(sources);
  } catch (error) {
    if (!(error instanceof QpqError) || error.code === "E048_USAGE") throw error;
    return [refusedSettings(error)];
  }
  return await examine(config, running(config));
}

function running(config: ServerConfig): ProbeOptions | undefined {
  try {
    const { host, port, serverName } = config;
    return { host: dialHost(host), port, serverName, trust: { pins: [ownPin(config)] }, timeoutMs: probeMsMax };
  } catch {
    return undefined;
  }
}

function lineOf({ check, level, code, text, next }: Finding): string {
  const line = `${level.padEnd(9)} ${check.padEnd(16)} ${code === undefined ? "" : `${code} `}${text}\n`;
  return next === undefined ? line : `${line}${"".padEnd(27)}next: ${next}\n`;
}
