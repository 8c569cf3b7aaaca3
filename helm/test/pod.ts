/**
 * A pod without a container engine: the rendered command with the rendered environment, as the rendered user without
 * capabilities, in a root of its own that is read-only but for the rendered mounts, with an address of its own. In place of
 * the image stands this machine's /usr, with the repository where the image has it, and the image's variables.
 */
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import type { KubernetesObject } from "./chart.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { Container, PodSpec } from "./pod-spec.ts";
import { makeVolumes, rewriteVolume } from "./pod-volumes.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const repositoryInImage = "/opt/qpq-server";

export type PodOptions = {
  readonly network: PodNetwork;
  /** What its volumes are made from. */
  readonly objects: readonly KubernetesObject[];
  /** Name -> address, beside its own. */
  readonly hosts?: Readonly<Record<string, string>>;
};

export class Pod implements AsyncDisposable {
  readonly address: string;
  readonly uid = randomUUID();
  readonly container: Container;
  /** The exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #spec: PodSpec;
  readonly #folder: string;
  readonly #volumes: ReadonlyMap<string, string>;
  readonly #process: ChildProcess;
  readonly #enter: (command: readonly string[]) => ChildProcess;
  #output = "";

  /** Started, and perhaps not ready. */
  static async start(spec: PodSpec, options: PodOptions): Promise<Pod> {
    return new Pod(spec, options, await options.network.addPod());
  }

  private constructor(spec: PodSpec, options: PodOptions, net: Awaited<ReturnType<PodNetwork["addPod"]>>) {
    [this.container] = spec.containers;
    this.#spec = spec;
    this.address = net.address;
    this.#folder = makeOwnedFolder("qpq-pod-");
    const volumes = join(this.#folder, "volumes");
    mkdirSync(volumes);
    this.#volumes = makeVolumes(spec, volumes, options.objects);
    writeHosts(this.#folder, { localhost: "127.0.0.1", ...options.hosts });
    const script = join(this.#folder, "run.sh");
    writeFileSync(script, this.#script());
    this.#enter = (command) =>
      net.namespace.spawn(["unshare", "--mount", "--propagation", "private", "sh", script, ...command], {
        env: { ...imageVariables(), ...this.#environment() },
        stdio: ["ignore", "pipe", "pipe"],
      });
    this.#process = this.#enter(this.container.command);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.ended = once(this.#process, "close").then(([code]) => code);
  }

  /** What it wrote so far. */
  get output(): string {
    return this.#output;
  }

  /** Of the command's process, which becomes the server's. */
  get pid(): number {
    return this.#process.pid as number;
  }

  get variables(): Readonly<Record<string, string>> {
    const pairs = readFileSync(`/proc/${this.pid}/environ`, "utf8").split("\0").filter(Boolean);
    return Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** As `kubectl exec`, of a shell's words, with mounts of its own that show the same folders. */
  async exec(words: string): Promise<{ readonly code: number; readonly output: string }> {
    const child = this.#enter(["/bin/sh", "-c", words]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const [code] = await once(child, "close");
    return { code, output };
  }

  /** Its Secrets or ConfigMaps were changed. */
  rewrite(name: string, objects: readonly KubernetesObject[]): void {
    rewriteVolume(this.#spec, { name, folder: this.#volumes.get(name) as string }, objects);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
    removeFolder(this.#folder);
  }

  #environment(): Record<string, string> {
    return Object.fromEntries(
      (this.container.env ?? []).map(({ name, value = "", valueFrom }) => {
        if (valueFrom === undefined) return [name, value];
        if (valueFrom.fieldRef.fieldPath !== "metadata.uid") throw new Error(`no ${valueFrom.fieldRef.fieldPath} here`);
        return [name, this.uid];
      }),
    );
  }

  /** Its mounts are seen by its process alone, and end with it. */
  #script(): string {
    const { runAsUser, runAsGroup, fsGroup } = this.#spec.securityContext ?? {
      runAsUser: 0,
      runAsGroup: 0,
      fsGroup: 0,
    };
    const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = this.container.securityContext;
    const root = join(this.#folder, "root");
    mkdirSync(root);
    const user = [
      `--reuid=${runAsUser} --regid=${runAsGroup} --groups=${fsGroup} --pdeathsig=KILL`,
      allowPrivilegeEscalation ? "" : "--no-new-privs",
      capabilities.drop.includes("ALL") ? "--bounding-set=-all --inh-caps=-all" : "",
    ];
    const mounts = this.container.volumeMounts.map(({ name, mountPath, subPath, readOnly = false }) => {
      const folder = this.#volumes.get(name) as string;
      const from = subPath === undefined ? folder : realpathSync(join(folder, subPath));
      const to = `${root}${mountPath}`;
      const place = subPath === undefined ? `mkdir -p ${to}` : `touch ${to}`;
      return `${place}; mount --bind ${from} ${to}${readOnly ? `; mount -o remount,bind,ro ${to}` : ""}`;
    });
    return `set -eu
mount -t tmpfs tmpfs ${root}
cd ${root}
mkdir -p usr etc proc dev tmp .${repositoryInImage}
ln -s usr/bin usr/sbin usr/lib usr/lib64 .
mount --bind /usr usr; mount -o remount,bind,ro usr
mount --rbind /proc proc; mount --rbind /dev dev
mount --bind ${repository} .${repositoryInImage}; mount -o remount,bind,ro .${repositoryInImage}
cp ${join(this.#folder, "hosts")} etc/hosts
cp /etc/ld.so.cache etc/
${mounts.join("\n")}
${readOnlyRootFilesystem ? `mount -o remount,ro ${root}` : ""}
exec /usr/sbin/chroot ${root} /usr/bin/setpriv ${user.join(" ")} -- "$@"
`;
  }
}

/** ENV of the image: without them the command would not be found, and what they say must not get in the chart's way. */
function imageVariables(): Record<string, string> {
  const text = readFileSync(join(repository, "deploy/Dockerfile"), "utf8").replaceAll("\\\n", " ");
  const stage = text.slice(text.lastIndexOf("\nFROM "));
  const [, words = ""] = /^ENV (.*)$/m.exec(stage) ?? [];
  return Object.fromEntries(
    words
      .trim()
      .split(/\s+/)
      .map((pair) => pair.split("=") as [string, string]),
  );
}

function writeHosts(folder: string, hosts: Readonly<Record<string, string>>): void {
  const lines = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
  writeFileSync(join(folder, "hosts"), lines.join(""));
}
