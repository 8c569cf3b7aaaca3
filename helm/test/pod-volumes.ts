/** A pod's volumes as the kubelet makes them: whose the files are, who may read them, and how they are changed. */
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "./chart.ts";
import type { PodSpec, Volume, VolumeSource } from "./pod-spec.ts";

type FileOfVolume = { readonly path: string; readonly bytes: Buffer; readonly mode: number };

/** Makes each volume of the pod as a folder. Answers name -> folder. */
export function makeVolumes(
  spec: PodSpec,
  folder: string,
  objects: readonly KubernetesObject[],
): ReadonlyMap<string, string> {
  return new Map(
    (spec.volumes ?? []).map((volume) => {
      const target = join(folder, volume.name);
      mkdirSync(target);
      const group = spec.securityContext?.fsGroup ?? 0;
      chownSync(target, 0, group);
      // not by mkdir: the umask takes from it
      chmodSync(target, volume.emptyDir === undefined ? 0o755 : 0o2777);
      if (volume.emptyDir === undefined) writeVolume(target, filesOf(volume, objects), group);
      return [volume.name, target];
    }),
  );
}

/** What a Secret or ConfigMap that was changed does to a volume: all files at once. */
export function rewriteVolume(
  spec: PodSpec,
  { name, folder }: { readonly name: string; readonly folder: string },
  objects: readonly KubernetesObject[],
): void {
  const volume = spec.volumes?.find((each) => each.name === name) as Volume;
  writeVolume(folder, filesOf(volume, objects), spec.securityContext?.fsGroup ?? 0);
}

let writes = 0;

/** Names are links into a hidden folder, which is replaced by a renamed link. */
function writeVolume(folder: string, files: readonly FileOfVolume[], group: number): void {
  const data = `..write-${++writes}`;
  mkdirSync(join(folder, data), { mode: 0o755 });
  for (const { path, bytes, mode } of files) {
    const file = join(folder, data, path);
    writeFileSync(file, bytes);
    chownSync(file, 0, group);
    chmodSync(file, mode);
  }
  symlinkSync(data, join(folder, "..new"));
  renameSync(join(folder, "..new"), join(folder, "..data"));
  for (const { path } of files) {
    symlinkSync(`..data/${path}`, join(folder, `.${path}`));
    renameSync(join(folder, `.${path}`), join(folder, path));
  }
}

function filesOf(volume: Volume, objects: readonly KubernetesObject[]): FileOfVolume[] {
  const { secret, projected, configMap } = volume;
  if (projected !== undefined) {
    return projected.sources.flatMap((source) => filesOfSource(source, { objects, mode: projected.defaultMode }));
  }
  if (secret !== undefined) {
    const source = { secret: { name: secret.secretName, ...(secret.items && { items: secret.items }) } };
    return filesOfSource(source, { objects, mode: secret.defaultMode });
  }
  if (configMap !== undefined) return filesOfSource({ configMap }, { objects, mode: 0o644 });
  throw new Error(`no such volume here: ${JSON.stringify(volume)}`);
}

function filesOfSource(
  { secret, configMap }: VolumeSource,
  { objects, mode = 0o644 }: { readonly objects: readonly KubernetesObject[]; readonly mode: number | undefined },
): FileOfVolume[] {
  const kind = secret === undefined ? "ConfigMap" : "Secret";
  const { name, items } = (secret ?? configMap) as NonNullable<typeof secret>;
  const object = objects.find((each) => each.kind === kind && each.metadata.name === name);
  if (object === undefined) throw new Error(`MountVolume.SetUp failed: there is no ${kind} ${name}`);
  const data = object["data"] as Readonly<Record<string, string>>;
  return (items ?? Object.keys(data).map((key) => ({ key, path: key }))).map(({ key, path }) => {
    const text = data[key];
    if (text === undefined) throw new Error(`MountVolume.SetUp failed: ${kind} ${name} has no key ${key}`);
    // with an fsGroup what is secret can be read by it
    return {
      path,
      bytes: Buffer.from(text, kind === "Secret" ? "base64" : "utf8"),
      mode: kind === "Secret" ? mode | 0o440 : mode,
    };
  });
}
