/** What tests ask of a rendered chart again and again. */
import { type KubernetesObject, only, render, type RenderOptions } from "./chart.ts";
import type { PodSpec } from "./pod-spec.ts";

export const fullname = "qpq-qpq-server";
/** The least that a release needs. */
export const whole = { "secrets.opaqueSetup.existingSecret": "qpq", "secrets.databaseUrl.existingSecret": "qpq" };

export const rendered = (set: RenderOptions["set"] = {}) => render({ set: { ...whole, ...set } });
export const kindsIn = (objects: readonly KubernetesObject[]) =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

export function podsIn(objects: readonly KubernetesObject[]): readonly PodSpec[] {
  return objects.flatMap(({ kind, spec }) => {
    if (kind === "Pod") return [spec as PodSpec];
    if (!["Deployment", "StatefulSet", "Job"].includes(kind)) return [];
    return [(spec as { template: { spec: PodSpec } }).template.spec];
  });
}

export function deploymentIn(objects: readonly KubernetesObject[]) {
  type Spec = {
    strategy: unknown;
    replicas?: number;
    template: { metadata: KubernetesObject["metadata"]; spec: PodSpec };
  };
  return only(objects, "Deployment", fullname)["spec"] as Spec;
}
