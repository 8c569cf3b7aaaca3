/** Holds objects against the schemas of Kubernetes itself, of any minor version: types, needed fields, unknown fields. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { KubernetesObject } from "./chart.ts";
import { kubernetesDefinitions } from "./tools.ts";

type Definition = {
  readonly "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
};

const schemaId = "kubernetes";
const gvk = "x-kubernetes-group-version-kind";

export class KubernetesSchemas {
  readonly #ajv: Ajv2020;
  readonly #nameOf = new Map<string, string>();

  constructor(minor: string) {
    const { $defs } = kubernetesDefinitions(minor);
    this.#ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    this.#ajv.addSchema({ $defs }, schemaId);
    for (const [name, definition] of Object.entries($defs)) {
      for (const { group, version, kind } of (definition as Definition)[gvk] ?? []) {
        this.#nameOf.set(`${group === "" ? "" : `${group}/`}${version} ${kind}`, name);
      }
    }
  }

  /** What is wrong with it; of a kind that Kubernetes does not have, that. */
  findings({ apiVersion, kind, ...rest }: KubernetesObject): string[] {
    const name = this.#nameOf.get(`${apiVersion} ${kind}`);
    if (name === undefined) return [`there is no ${apiVersion} ${kind}`];
    const validate = this.#ajv.getSchema(`${schemaId}#/$defs/${name}`) as ValidateFunction;
    if (validate({ apiVersion, kind, ...rest })) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${kind} ${instancePath}: ${message} ${JSON.stringify(params)}`,
    );
  }
}
