/** deploy/compose/compose.yaml, checked, filled in and written out by the Compose Specification's own loader. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./image.ts";

export const composeFile = `${repository}deploy/compose/compose.yaml`;

export type Service = {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly entrypoint?: readonly string[] | null;
  readonly command?: readonly string[] | null;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
  readonly tmpfs?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
};

export type ComposeModel = { readonly services: Readonly<Record<string, Service>> };

/**
 * Throws with what the loader complains of. By an `include`, because its command fills in variables of an included file's
 * env_file alone. `folder`: for what it needs.
 */
export function loadCompose(
  loader: string,
  { folder, env, file = composeFile }: { folder: string; env: Readonly<Record<string, string>>; file?: string },
): ComposeModel {
  const envFile = join(folder, "compose.env");
  writeFileSync(
    envFile,
    Object.entries(env)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
  const including = join(folder, "including.yaml");
  // JSON is YAML
  writeFileSync(including, JSON.stringify({ include: [{ path: file, env_file: envFile }] }));
  const ran = spawnSync(loader, ["-format", "json", including], { cwd: folder, encoding: "utf8", env: {} });
  if (ran.status !== 0) throw new Error(ran.error?.message ?? ran.stderr);
  return JSON.parse(ran.stdout) as ComposeModel;
}
