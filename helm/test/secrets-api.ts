/** As much of the Kubernetes API as helm's `lookup` of Secrets asks for. There is no API server in a package registry. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { KubernetesObject } from "./chart.ts";

export type SecretsApi = AsyncDisposable & { readonly port: number };

const kinds: Readonly<Record<string, readonly string[]>> = {
  v1: ["ConfigMap", "Pod", "Secret", "Service", "ServiceAccount"],
  "apps/v1": ["Deployment", "StatefulSet"],
  "policy/v1": ["PodDisruptionBudget"],
};

const discovery: Readonly<Record<string, object>> = {
  "/version": { major: "1", minor: "35", gitVersion: "v1.35.0" },
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: ["apps", "policy"].map(groupOf) },
  ...Object.fromEntries(
    Object.entries(kinds).map(([groupVersion, names]) => {
      const resources = names.map((kind) => ({ ...namesOf(kind), namespaced: true, kind, verbs: ["get"] }));
      const path = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
      return [path, { kind: "APIResourceList", groupVersion, resources }];
    }),
  ),
};

function groupOf(name: string): object {
  const version = { groupVersion: `${name}/v1`, version: "v1" };
  return { name, versions: [version], preferredVersion: version };
}

function namesOf(kind: string): { readonly name: string; readonly singularName: string } {
  const singularName = kind.toLowerCase();
  return { name: `${singularName}s`, singularName };
}

/** Of the namespace chat, with the Secrets among `objects` in it. */
export async function startSecretsApi(objects: readonly KubernetesObject[]): Promise<SecretsApi> {
  const secrets = objects
    .filter(({ kind }) => kind === "Secret")
    .map((secret) => [`/api/v1/namespaces/chat/secrets/${secret.metadata.name}`, secret] as const);
  const pages: ReadonlyMap<string, object> = new Map<string, object>([...Object.entries(discovery), ...secrets]);
  const server = createServer(({ url = "" }, response) => {
    const page = pages.get(url.split("?", 1)[0] as string);
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "application/json" });
    const missing = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };
    response.end(JSON.stringify(page ?? missing));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
