/** The chart as helm renders it: objects, or what it refuses. */
import { execFile, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { helmProgram } from "./tools.ts";

export const chart = fileURLToPath(new URL("../qpq-server", import.meta.url));

/** Values that together use all of the chart: name -> file. */
export const valuesFiles: ReadonlyMap<string, string> = new Map(
  globSync("ci/*-values.yaml", { cwd: chart }).map((file) => [basename(file, "-values.yaml"), join(chart, file)]),
);

/** Anything that Kubernetes keeps; what a test asks of it, it asks by path. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
};

export type RenderOptions = {
  /** A name of `valuesFiles`. */
  readonly values?: string;
  /** { "config.workers": 4 }, over the file's; JSON. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly kubernetes?: string;
  readonly apis?: readonly string[];
};

export const prometheusOperator = "monitoring.coreos.com/v1";

export function helm(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync(helmProgram(), args, { encoding: "utf8" });
  if (error !== undefined) throw error;
  return { status, output: status === 0 ? stdout : stdout + stderr };
}

export function renderArguments({ values, set = {}, kubernetes = "1.35", apis = [] }: RenderOptions): string[] {
  const file = values === undefined ? [] : ["--values", valuesFiles.get(values) as string];
  const given = Object.entries(set).flatMap(([path, value]) => ["--set-json", `${path}=${JSON.stringify(value)}`]);
  const known = apis.flatMap((api) => ["--api-versions", api]);
  return [...file, ...given, "--kube-version", `${kubernetes}.0`, ...known];
}

/** What `helm install qpq` makes in the namespace chat, hooks and tests too. */
export function render(options: RenderOptions): readonly KubernetesObject[] {
  const { status, output } = helm(...templateArguments(options));
  if (status !== 0) throw new Error(output);
  return objectsIn(output);
}

/** The same where the cluster's API answers at this port of 127.0.0.1, as for `helm upgrade`. */
export async function renderOn(apiPort: number, options: RenderOptions): Promise<readonly KubernetesObject[]> {
  const api = [
    "--is-upgrade",
    "--dry-run=server",
    "--disable-openapi-validation",
    "--kube-apiserver",
    `http://127.0.0.1:${apiPort}`,
  ];
  const args = [...templateArguments(options), ...api];
  // no file of the user's
  const { stdout } = await promisify(execFile)(helmProgram(), args, {
    env: { ...process.env, KUBECONFIG: "/dev/null" },
  });
  return objectsIn(stdout);
}

function templateArguments(options: RenderOptions): string[] {
  return ["template", "qpq", chart, "--namespace", "chat", ...renderArguments(options)];
}

function objectsIn(output: string): readonly KubernetesObject[] {
  // 1.1, as Kubernetes reads it: 0440 is octal
  return parseAllDocuments(output, { version: "1.1", uniqueKeys: true }).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS() ?? [];
  });
}

export function only(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  if (found.length !== 1) throw new Error(`${found.length} objects ${kind} ${name ?? ""}`);
  return found[0] as KubernetesObject;
}
