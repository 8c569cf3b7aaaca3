/** Runs the `capnp` tool, when there is one. */
import { spawnSync } from "node:child_process";
import { SchemaError } from "./schema-model.ts";

/** `major.minor.micro`, or undefined when capnp is not installed. */
export function installedVersion(): string | undefined {
  const { status, stdout } = spawnSync("capnp", ["--version"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const version = /\d+\.\d+(\.\d+)?/.exec(status === 0 ? stdout : "")?.[0];
  return version?.split(".").length === 2 ? `${version}.0` : version;
}

/** The CodeGeneratorRequest of one file. Names in it are relative to `folder`, so it is the same on every machine. */
export function compile(folder: string, file: string): Uint8Array {
  const { status, stdout, stderr } = spawnSync(
    "capnp",
    ["compile", "-o-", `--src-prefix=${folder}`, `${folder}/${file}`],
    { stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 << 20 },
  );
  if (status !== 0) throw new SchemaError(`capnp refuses ${file}:\n${stderr.toString()}`);
  return new Uint8Array(stdout);
}
