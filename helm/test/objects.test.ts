/** What the chart's other objects promise to who runs it. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
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
} from "./chart.ts";
import type { PodSpec } from "./pod-spec.ts";
import { deploymentIn, fullname, kindsIn, podsIn, rendered, whole } from "./rendered.ts";

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
