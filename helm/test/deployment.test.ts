/** What the chart's pods promise to who runs them: what they may do, what they read, when they change and stop. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import {
  chart,
  type KubernetesObject,
  only,
  prometheusOperator,
  render,
  type RenderOptions,
  valuesFiles,
} from "./chart.ts";
import type { PodSpec } from "./pod-spec.ts";
import { deploymentIn, fullname, podsIn, rendered, whole } from "./rendered.ts";

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
    const { version } = parse(readFileSync(join(chart, "Chart.yaml"), "utf8"));
    const digest = `sha256:${"0".repeat(64)}`;
    assert.ok(imageOf({}).endsWith(`qpq-server:${version}`));
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
