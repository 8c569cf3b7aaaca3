/**
 * `node scripts/chart-schema.ts`: writes values.schema.json of the chart in helm/qpq-server: the server's settings from their
 * own table, the rest written down here. Helm refuses a value that it does not know, at lint, install and upgrade. A test
 * holds the file to this.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { kebab, settings } from "../services/server/src/settings.ts";
import { settingsSchema } from "../services/server/src/settings-schema.ts";

export const chartSchemaFile = fileURLToPath(new URL("../helm/qpq-server/values.schema.json", import.meta.url));

type Schema = Readonly<Record<string, unknown>>;

/** What the chart mounts or exposes itself. */
const settingsOfChart = ["store", "dataDir", "port", "websocketPort", "opsPort", "tlsCert", "tlsKey"];

const text: Schema = { type: "string" };
const someText: Schema = { type: "string", minLength: 1 };
const flag: Schema = { type: "boolean" };
const texts: Schema = { type: "object", additionalProperties: text };
/** Kubernetes' own: it refuses what is wrong. */
const object: Schema = { type: "object" };
const objects: Schema = { type: "array", items: object };
const port: Schema = { type: "integer", minimum: 1, maximum: 65_535 };
/** 0 = Kubernetes chooses. */
const nodePort: Schema = { type: "integer", minimum: 0, maximum: 32_767 };
const duration: Schema = { type: "string", pattern: "^([0-9]+(h|m|s))+$" };

function section(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", additionalProperties: false, properties };
}

function count(minimum: number, maximum = 1_000_000): Schema {
  return { type: "integer", minimum, maximum };
}

function oneOf(...values: readonly string[]): Schema {
  return { enum: values };
}

export function chartSchema(): string {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Values of the chart qpq-server",
    ...section({
      // of Helm, in a chart that has this one in it
      global: object,
      nameOverride: text,
      fullnameOverride: text,
      image: section({
        repository: someText,
        tag: text,
        digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
        pullPolicy: oneOf("Always", "IfNotPresent", "Never"),
      }),
      imagePullSecrets: objects,
      replicaCount: count(0, 10_000),
      config: configSchema(),
      serverIdPerPod: flag,
      secrets: secretsSchema(),
      tls: section({
        existingSecret: text,
        certManager: section({
          enabled: flag,
          issuerRef: section({ group: text, kind: text, name: text }),
          dnsNames: { type: "array", items: someText },
          duration,
          renewBefore: duration,
        }),
        reloadSeconds: count(1, 86_400),
      }),
      migrations: section({ hook: flag, timeoutSeconds: count(1) }),
      service: section({
        type: oneOf("ClusterIP", "NodePort", "LoadBalancer"),
        port,
        nodePort,
        externalTrafficPolicy: oneOf("Local", "Cluster"),
        sessionAffinity: oneOf("None", "ClientIP"),
        loadBalancerClass: text,
        loadBalancerSourceRanges: { type: "array", items: someText },
        annotations: texts,
        websocket: section({ port, nodePort, annotations: texts }),
      }),
      ...podSchemas(),
      podDisruptionBudget: section({ enabled: flag, maxUnavailable: { type: ["integer", "string"] } }),
      autoscaling: section({
        enabled: flag,
        minReplicas: count(1),
        maxReplicas: count(1),
        targetCPUUtilizationPercentage: count(1, 100),
        targetConnections: count(0),
        scaleDownStabilizationSeconds: count(0, 3_600),
      }),
      networkPolicy: section({
        enabled: flag,
        metricsFrom: objects,
        egressPorts: { type: "array", items: port },
        extraEgress: objects,
      }),
      serviceMonitor: section({ enabled: flag, interval: duration, labels: texts }),
      prometheusRule: section({ enabled: flag, labels: texts }),
      dashboards: section({ enabled: flag, labels: texts, annotations: texts }),
      bundled: section({
        postgres: section({ enabled: flag, image: someText, storage: text, storageClassName: text, resources: object }),
        redis: section({ enabled: flag, image: someText, resources: object }),
      }),
      probe: section({ timeoutMs: count(1) }),
    }),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function podSchemas(): Record<string, Schema> {
  return {
    serviceAccount: section({ create: flag, name: text, annotations: texts }),
    podAnnotations: texts,
    podLabels: texts,
    podSecurityContext: object,
    securityContext: object,
    resources: object,
    preStopSeconds: count(0, 3_600),
    nodeSelector: texts,
    tolerations: objects,
    affinity: object,
    priorityClassName: text,
    topologySpread: section({ enabled: flag, whenUnsatisfiable: oneOf("ScheduleAnyway", "DoNotSchedule") }),
    extraEnv: objects,
    extraVolumes: objects,
    extraVolumeMounts: objects,
  };
}

function configSchema(): Schema {
  const { properties } = settingsSchema() as { readonly properties: Readonly<Record<string, Schema>> };
  const open = Object.entries(properties).filter(
    ([name]) => settings()[name]?.sensitive !== true && !settingsOfChart.includes(name),
  );
  return section(Object.fromEntries(open));
}

function secretsSchema(): Schema {
  const names = Object.entries(settings()).flatMap(([name, { sensitive }]) => (sensitive === true ? [name] : []));
  const ofSecret = (name: string) =>
    section({ value: text, existingSecret: text, key: { ...someText, default: kebab(name) } });
  return section(Object.fromEntries([...names, "transportSecret"].map((name) => [name, ofSecret(name)])));
}

if (import.meta.main) writeFileSync(chartSchemaFile, chartSchema());
