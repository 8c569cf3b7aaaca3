/** What the chart renders is what Kubernetes takes, in each version that the chart says it runs on. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  chart,
  helm,
  type KubernetesObject,
  prometheusOperator,
  render,
  renderArguments,
  valuesFiles,
} from "./chart.ts";
import { customResourceFindings, isCustomResource } from "./custom-resources.ts";
import { KubernetesSchemas } from "./kubernetes-schemas.ts";

// 1.30 is the first with preStop sleep; 1.37 the newest whose schemas there are
const versions = ["1.27", "1.29", "1.30", "1.33", "1.35", "1.37"];
const apis = [prometheusOperator];

describe("the chart", () => {
  for (const values of valuesFiles.keys()) {
    it(`passes helm lint --strict with the values ${values}`, () => {
      const { status, output } = helm("lint", "--strict", chart, ...renderArguments({ values }).slice(0, 4));
      assert.equal(status, 0, output);
    });
  }

  for (const kubernetes of versions) {
    it(`renders what Kubernetes ${kubernetes} knows, with all values`, () => {
      const schemas = new KubernetesSchemas(kubernetes);
      for (const values of valuesFiles.keys()) {
        const objects = render({ values, kubernetes, apis });
        const findings = objects
          .filter((object) => !isCustomResource(object))
          .flatMap((object) => schemas.findings(object));
        assert.deepEqual(findings, [], values);
      }
    });
  }

  it("renders custom resources as their types have them", () => {
    const objects = render({ values: "production", apis }).filter(isCustomResource);
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), ["Certificate", "PrometheusRule", "ServiceMonitor"]);
    assert.deepEqual(customResourceFindings(objects), []);
  });

  it("renders the same when it is packaged", () => {
    const folder = mkdtempSync(join(tmpdir(), "qpq-chart-"));
    try {
      const packed = helm("package", chart, "--destination", folder);
      assert.equal(packed.status, 0, packed.output);
      const [file = ""] = readdirSync(folder);
      const args = renderArguments({ values: "production", apis });
      const of = (what: string) => helm("template", "qpq", what, ...args).output;
      assert.equal(of(join(folder, file)), of(chart));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is not for a Kubernetes before 1.27", () => {
    const { status, output } = helm("template", chart, ...renderArguments({ values: "bundled", kubernetes: "1.26" }));
    assert.notEqual(status, 0);
    assert.match(output, /requires kubeVersion/);
  });

  it("has no two objects of one kind and name, and puts its labels on all", () => {
    for (const values of valuesFiles.keys()) {
      const objects = render({ values, apis });
      const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
      assert.deepEqual(names, [...new Set(names)]);
      for (const { metadata } of objects) {
        assert.equal(metadata.labels?.["app.kubernetes.io/instance"], "qpq", metadata.name);
        assert.ok(metadata.name.length <= 63);
      }
    }
  });
});

describe("the check itself", () => {
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "a" },
    spec: { template: { spec: { containers: [{ name: "a", imagePullpolicy: "Never" }] } } },
  };

  it("finds a key that Kubernetes does not know, a wrong type and a missing field", () => {
    const findings = (object: KubernetesObject): string => new KubernetesSchemas("1.35").findings(object).join("\n");
    assert.match(findings(job), /imagePullpolicy/);
    assert.match(findings({ ...job, spec: { ...job.spec, backoffLimit: "3" } }), /backoffLimit: must be integer/);
    assert.match(findings({ ...job, spec: {} }), /required property 'template'/);
    assert.match(findings({ ...job, apiVersion: "batch/v1beta1" }), /there is no batch\/v1beta1 Job/);
  });

  it("finds a key that a custom resource does not know", () => {
    const monitor = { apiVersion: prometheusOperator, kind: "ServiceMonitor", metadata: { name: "a" } };
    assert.match(
      customResourceFindings([{ ...monitor, spec: { selector: {}, endpoints: [{ prot: "ops" }] } }]).join(),
      /prot/,
    );
    assert.match(
      customResourceFindings([{ ...monitor, spec: { selector: {}, endpoints: [{ port: 1 }] } }]).join(),
      /not assignable/,
    );
  });
});
