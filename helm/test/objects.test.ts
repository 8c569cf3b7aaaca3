/** What the chart's objects promise to who runs it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse as parseYaml } from "yaml";
import {
  chart,
  helm,
  type KubernetesObject,
  only,
  prometheusOperator,
  render,
  renderArguments,
  type RenderOptions,
  valuesFiles,
} from "./chart.ts";
import type { PodSpec } from "./pod-spec.ts";

const fullname = "qpq-qpq-server";
const whole = { "secrets.opaqueSetup.existingSecret": "qpq", "secrets.databaseUrl.existingSecret": "qpq" };

const rendered = (set: RenderOptions["set"] = {}) => render({ set: { ...whole, ...set } });
const kindsIn = (objects: readonly KubernetesObject[]) =>
  objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

function podsIn(objects: readonly KubernetesObject[]): readonly PodSpec[] {
  return objects.flatMap(({ kind, spec }) => {
    if (kind === "Pod") return [spec as PodSpec];
    if (!["Deployment", "StatefulSet", "Job"].includes(kind)) return [];
    return [(spec as { template: { spec: PodSpec } }).template.spec];
  });
}

const qpqServer = fileURLToPath(new URL("../../services/server/bin/qpq-server.mjs", import.meta.url));

/** What the server itself reads in the rendered file. */
function settingsIn(objects: readonly KubernetesObject[]): Record<string, unknown> {
  const { data } = only(objects, "ConfigMap", fullname) as unknown as { data: Record<string, string> };
  const folder = mkdtempSync(join(tmpdir(), "qpq-chart-"));
  const file = join(folder, "qpq-server.toml");
  writeFileSync(file, data["qpq-server.toml"] as string);
  const args = [qpqServer, "config", "print", "--json", "--config", file];
  const env = { QPQ_DATABASE_URL: "postgres://a@b/c" };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0, stderr);
  const rows = JSON.parse(stdout) as { name: string; value: unknown }[];
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

function deploymentIn(objects: readonly KubernetesObject[]) {
  type Spec = {
    strategy: unknown;
    replicas?: number;
    template: { metadata: KubernetesObject["metadata"]; spec: PodSpec };
  };
  return only(objects, "Deployment", fullname)["spec"] as Spec;
}

describe("every pod", () => {
  for (const values of valuesFiles.keys()) {
    it(`is restricted as the pod security standard has it, with the values ${values}`, () => {
      for (const pod of podsIn(render({ values }))) {
        const { securityContext } = pod as unknown as { securityContext: Record<string, unknown> };
        assert.equal(securityContext["runAsNonRoot"], true);
        assert.deepEqual(securityContext["seccompProfile"], { type: "RuntimeDefault" });
        assert.equal((pod as unknown as { automountServiceAccountToken: boolean }).automountServiceAccountToken, false);
        const { initContainers = [] } = pod as unknown as { initContainers?: PodSpec["containers"][0][] };
        for (const container of [...pod.containers, ...initContainers]) {
          assert.deepEqual(container.securityContext, {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
        }
      }
    });

    it(`carries no secret in its command, variables, labels or annotations, with the values ${values}`, () => {
      for (const { kind, metadata, ...rest } of render({ values, apis: [prometheusOperator] })) {
        if (kind === "Secret") continue;
        assert.doesNotMatch(JSON.stringify([metadata, rest]), /not-a-|db-1|qpq@/, `${kind} ${metadata.name}`);
      }
    });
  }
});

describe("the Deployment", () => {
  it("waits for preStop, the drain and five seconds", () => {
    const graceOf = (set: RenderOptions["set"]) =>
      deploymentIn(rendered(set)).template.spec.terminationGracePeriodSeconds;
    assert.equal(graceOf({}), 30);
    assert.equal(graceOf({ "config.drainMs": 45_500, preStopSeconds: 10 }), 61);
  });

  it("never goes below its number while it is changed", () => {
    const { strategy } = deploymentIn(rendered());
    assert.deepEqual(strategy, { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  });

  it("is rolled when a setting changes, and not when another value does", () => {
    const sumOf = (set: RenderOptions["set"]) =>
      deploymentIn(rendered(set)).template.metadata.annotations?.["checksum/config"];
    assert.notEqual(sumOf({ "config.workers": 2 }), sumOf({}));
    assert.equal(sumOf({ replicaCount: 5 }), sumOf({}));
  });

  it("leaves its number to the autoscaler", () => {
    assert.equal(deploymentIn(rendered({ replicaCount: 3 })).replicas, 3);
    assert.equal(deploymentIn(rendered({ "autoscaling.enabled": true })).replicas, undefined);
  });

  it("waits by sleep on a Kubernetes that has no preStop sleep", () => {
    const { lifecycle } = deploymentIn(render({ set: whole, kubernetes: "1.29" })).template.spec.containers[0];
    assert.deepEqual(lifecycle, { preStop: { exec: { command: ["sleep", "5"] } } });
  });

  it("names an image by digest where one is given, else by tag, else by the chart's version", () => {
    const imageOf = (set: RenderOptions["set"]) => deploymentIn(rendered(set)).template.spec.containers[0].image;
    const digest = `sha256:${"0".repeat(64)}`;
    assert.match(imageOf({}), /qpq-server:0\.1\.0$/);
    assert.match(imageOf({ "image.tag": "1.2" }), /qpq-server:1\.2$/);
    assert.match(imageOf({ "image.tag": "1.2", "image.digest": digest }), new RegExp(`qpq-server@${digest}$`));
  });
});

describe("settings", () => {
  it("keep numbers, texts and switches as they are, however large", () => {
    const text = 'a "quoted" \\ text, ü and <html>';
    const given = {
      payloadBytesMax: 7_340_032,
      workerRssBytesMax: 1_099_511_627_776,
      traceSampleRatio: 0.01,
      hotTail: "on",
    };
    const set = Object.fromEntries(
      Object.entries({ ...given, allowedOrigins: text }).map(([k, v]) => [`config.${k}`, v]),
    );
    const settings = settingsIn(rendered({ ...set, "config.allowSealedSender": true }));
    for (const [name, value] of Object.entries(given)) assert.equal(settings[name], value, name);
    assert.equal(settings["allowedOrigins"], text);
    assert.equal(settings["allowSealedSender"], true);
  });

  it("are of the cluster's store and for production, with the Service's name", () => {
    const { store, production, serverName } = settingsIn(rendered());
    assert.deepEqual(
      { store, production, serverName },
      { store: "cluster", production: true, serverName: `${fullname}.chat.svc` },
    );
    assert.equal(settingsIn(rendered({ "config.serverName": "chat.example" }))["serverName"], "chat.example");
  });
});

describe("objects", () => {
  it("are there with their value alone", () => {
    const always = kindsIn(rendered());
    const optional: readonly (readonly [RenderOptions["set"], string])[] = [
      [{ "autoscaling.enabled": true }, `HorizontalPodAutoscaler ${fullname}`],
      [{ "networkPolicy.enabled": true }, `NetworkPolicy ${fullname}`],
      [{ "tls.certManager.enabled": true }, `Certificate ${fullname}`],
      [{ "dashboards.enabled": true }, `ConfigMap ${fullname}-qpq-overview`],
      [{ "bundled.redis.enabled": true }, `Deployment ${fullname}-redis`],
    ];
    for (const [set, name] of optional) {
      assert.ok(!always.includes(name), name);
      assert.ok(kindsIn(rendered(set)).includes(name), name);
    }
    const without: readonly (readonly [RenderOptions["set"], string])[] = [
      [{ "podDisruptionBudget.enabled": false }, `PodDisruptionBudget ${fullname}`],
      [{ "config.websocket": "off" }, `Service ${fullname}-websocket`],
      [{ "tls.existingSecret": "own" }, `Secret ${fullname}-tls`],
      [{ "secrets.transportSecret.existingSecret": "own" }, `Secret ${fullname}`],
      [{ "serviceAccount.create": false }, `ServiceAccount ${fullname}`],
      [{ "migrations.hook": false }, `Job ${fullname}-migrate`],
    ];
    for (const [set, name] of without) {
      assert.ok(always.includes(name), name);
      assert.ok(!kindsIn(rendered(set)).includes(name), name);
    }
  });

  it("of the Prometheus operator are there only where the cluster knows them", () => {
    const set = { ...whole, "serviceMonitor.enabled": true, "prometheusRule.enabled": true };
    const names = [`ServiceMonitor ${fullname}`, `PrometheusRule ${fullname}`];
    assert.deepEqual(
      kindsIn(render({ set })).filter((name) => names.includes(name)),
      [],
    );
    assert.deepEqual(
      kindsIn(render({ set, apis: [prometheusOperator] }))
        .filter((name) => names.includes(name))
        .sort(),
      names.toSorted(),
    );
  });

  it("carry the alerts and the dashboards of grafana/ as they are there", () => {
    const objects = render({ values: "production", apis: [prometheusOperator] });
    const grafana = fileURLToPath(new URL("../../grafana", import.meta.url));
    const rules = parseYaml(readFileSync(`${grafana}/alerts/qpq-server.yaml`, "utf8"));
    assert.deepEqual((only(objects, "PrometheusRule")["spec"] as { groups: unknown }).groups, rules.groups);
    const dashboards = globSync("dashboards/*.json", { cwd: grafana });
    assert.ok(dashboards.length > 1);
    for (const path of dashboards) {
      const name = basename(path);
      const { data } = only(objects, "ConfigMap", `${fullname}-${name.replace(".json", "")}`) as unknown as {
        data: Record<string, string>;
      };
      assert.deepEqual(JSON.parse(data[name] as string), JSON.parse(readFileSync(`${grafana}/${path}`, "utf8")), name);
    }
  });

  it("select the front-ends and nothing else that the chart starts", () => {
    const objects = render({ values: "bundled", set: { "networkPolicy.enabled": true } });
    const { labels = {} } = deploymentIn(objects).template.metadata;
    const others = [`${fullname}-redis`, `${fullname}-postgres`].map((name) => {
      const { spec } = objects.find(
        ({ kind, metadata }) => kind !== "Service" && metadata.name === name,
      ) as KubernetesObject;
      return (spec as { template: { metadata: { labels: Record<string, string> } } }).template.metadata.labels;
    });
    type Spec = { selector: Record<string, string> };
    for (const name of [fullname, `${fullname}-websocket`, `${fullname}-ops`]) {
      const { selector } = only(objects, "Service", name)["spec"] as Spec;
      const isSelected = (of: Readonly<Record<string, string>>) =>
        Object.entries(selector).every(([key, value]) => of[key] === value);
      assert.ok(isSelected(labels), name);
      assert.ok(!others.some(isSelected), name);
    }
  });

  it("show clients' addresses: UDP goes to pods of the node that it came to", () => {
    type Spec = { type: string; externalTrafficPolicy?: string; ports: [{ protocol: string; nodePort?: number }] };
    const serviceOf = (set: RenderOptions["set"]) => only(rendered(set), "Service", fullname)["spec"] as Spec;
    const { type, externalTrafficPolicy, ports } = serviceOf({});
    assert.deepEqual([type, externalTrafficPolicy, ports[0].protocol], ["LoadBalancer", "Local", "UDP"]);
    assert.equal(serviceOf({ "service.type": "ClusterIP" }).externalTrafficPolicy, undefined);
    assert.equal(serviceOf({ "service.type": "NodePort", "service.nodePort": 30_700 }).ports[0].nodePort, 30_700);
  });
});

describe("the notes", () => {
  const notesOf = (set: Readonly<Record<string, unknown>>) => {
    const args = ["install", "qpq", chart, "--namespace", "chat", "--dry-run=client", ...renderArguments({ set })];
    // an install takes its Kubernetes from the cluster
    const { status, output } = helm(...args.slice(0, args.indexOf("--kube-version")));
    assert.equal(status, 0, output);
    return output.slice(output.indexOf("NOTES:"));
  };

  it("say the next two commands", () => {
    const notes = notesOf(whole);
    assert.match(notes, /^ {2}helm test qpq --namespace chat$/m);
    assert.match(notes, /^ {2}kubectl get secret qpq-qpq-server-tls --namespace chat .*> qpq-ca\.crt$/m);
    assert.match(
      notesOf({ ...whole, "tls.existingSecret": "own" }),
      /^ {2}kubectl get service qpq-qpq-server --namespace chat$/m,
    );
  });

  it("say what is for trying out", () => {
    assert.doesNotMatch(notesOf(whole), /trying out/);
    const set = { "secrets.opaqueSetup.existingSecret": "qpq", "bundled.postgres.enabled": true };
    assert.match(notesOf(set), /bundled Postgres is for trying out/);
  });
});

describe("the migration", () => {
  it("runs before install and upgrade with a Secret of its own, which goes with it", () => {
    const objects = render({ values: "inline" });
    for (const kind of ["Job", "Secret"]) {
      const { annotations } = only(objects, kind, `${fullname}-migrate`).metadata;
      assert.equal(annotations?.["helm.sh/hook"], "pre-install,pre-upgrade");
      assert.equal(annotations?.["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded");
    }
    const [pod] = podsIn([only(objects, "Job")]) as [PodSpec];
    const names = pod.volumes?.[0]?.projected?.sources.map(({ secret }) => secret?.name);
    assert.deepEqual(names, [`${fullname}-migrate`, `${fullname}-migrate`]);
  });

  it("is done by the pods themselves where the database comes with them", () => {
    const objects = render({ values: "bundled" });
    const { initContainers } = deploymentIn(objects).template.spec as unknown as {
      initContainers: { command: string[] }[];
    };
    assert.deepEqual(
      initContainers.map(({ command }) => command),
      [["qpq-server", "migrate"]],
    );
    assert.ok(!kindsIn(objects).includes(`Job ${fullname}-migrate`));
  });
});
