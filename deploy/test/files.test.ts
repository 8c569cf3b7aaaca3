/** What is in deploy/ and .github/, by the linters and programs that read it; each is seen to refuse something too. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import { type DeployTools, ensureDeployTools } from "../../scripts/deploy-tools.ts";
import { quicLimits } from "../../services/transport/src/quic/index.ts";
import { loadCompose } from "./compose-file.ts";
import { dockerfile, repository } from "./image.ts";

const folder = makeOwnedFolder("qpq-deploy-");
after(() => removeFolder(folder));
let tools: DeployTools;
before(() => {
  tools = ensureDeployTools();
});

function run(program: string, args: readonly string[], cwd = repository) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  assert.equal(error, undefined);
  return { status, words: stdout + stderr };
}

/** A copy of one of our files with a change, which must be one. */
function changed(file: string, from: string, to: string, name = "changed"): string {
  const text = readFileSync(repository + file, "utf8");
  assert.ok(text.includes(from), `${file} has ${from}`);
  const path = join(folder, name);
  writeFileSync(path, text.replace(from, to));
  return path;
}

test("hadolint finds nothing in the Dockerfile", () => {
  assert.deepEqual(run(tools.hadolint, ["--failure-threshold=style", dockerfile]), { status: 0, words: "" });
  const wrong = changed("deploy/Dockerfile", "USER 10001:10001", "RUN cd /tmp && sudo true", "Dockerfile");
  assert.match(run(tools.hadolint, [wrong]).words, /DL3003[\s\S]*DL3004/);
});

test("actionlint and shellcheck find nothing in the workflows", () => {
  assert.equal(run("shellcheck", ["--version"]).status, 0, "actionlint does without it where it is not");
  assert.deepEqual(run(tools.actionlint, []), { status: 0, words: "" });
  const wrong = changed(
    ".github/workflows/ci.yml",
    "- run: npm run demo",
    "- run: echo $GITHUB_SHA ${{ github.nothing }}",
    "ci.yml",
  );
  const { words } = run(tools.actionlint, [wrong]);
  assert.match(words, /property "nothing" is not defined/);
  assert.match(words, /SC2086/);
});

test("zizmor finds nothing in the workflows: actions and images by digest, no right that is not used, no injection", () => {
  const audit = (path: string) => run(tools.zizmor, ["--offline", "--persona=pedantic", "--quiet", path]);
  assert.equal(audit(".github").status, 0, audit(".github").words);
  mkdirSync(join(folder, ".github/workflows"), { recursive: true });
  const wrong = changed(
    ".github/workflows/ci.yml",
    "permissions: {}",
    "permissions: write-all",
    ".github/workflows/ci.yml",
  );
  const unpinned = readFileSync(wrong, "utf8").replace(/checkout@[0-9a-f]{40}/, "checkout@v7");
  writeFileSync(wrong, unpinned.replace("run: npm run demo", "run: echo ${{ github.event.pull_request.title }}"));
  const { status, words } = audit(wrong);
  assert.notEqual(status, 0);
  for (const finding of ["excessive-permissions", "unpinned-uses", "template-injection"])
    assert.ok(words.includes(finding), words);
});

test("workflows run on the image that the Dockerfile builds with", () => {
  const [, image = ""] = /^ARG NODE_IMAGE=(\S+@sha256:[0-9a-f]{64})$/m.exec(readFileSync(dockerfile, "utf8")) ?? [];
  const folder = `${repository}.github/workflows/`;
  const texts = readdirSync(folder).map((name) => readFileSync(folder + name, "utf8"));
  const used = texts.flatMap((text) => [...text.matchAll(/^ +image: (.*)$/gm)].map(([, each]) => each));
  assert.ok(used.length >= 3);
  assert.deepEqual([...new Set(used)], [image]);
});

test("promtool takes the scrape configuration of the compose file with the alert rules that it mounts", () => {
  const check = (file: string) => run("promtool", ["check", "config", file]);
  const copy = join(folder, "prometheus.yml");
  copyFileSync(`${repository}deploy/compose/prometheus.yml`, copy);
  mkdirSync(join(folder, "rules"));
  copyFileSync(`${repository}grafana/alerts/qpq-server.yaml`, join(folder, "rules/qpq-server.yaml"));
  const { status, words } = check(copy);
  assert.equal(status, 0, words);
  assert.match(words, /1 rule files found[\s\S]*rules found/);
  assert.notEqual(check(changed("deploy/compose/prometheus.yml", "targets", "tragets", "wrong.yml")).status, 0);
});

test("the kernel's limits of deploy/sysctl let the server have the buffers that it asks for", () => {
  const lines = readFileSync(`${repository}deploy/sysctl/60-qpq-server.conf`, "utf8").split("\n");
  const settings = lines.filter((line) => /^\w/.test(line)).map((line) => line.split(" = "));
  assert.deepEqual(settings, [
    ["net.core.rmem_max", String(quicLimits.socketBufferBytes.default)],
    ["net.core.wmem_max", String(quicLimits.socketBufferBytes.default)],
  ]);
  // the machine has them
  for (const [name = ""] of settings) readFileSync(join("/proc/sys", name.replaceAll(".", "/")));
});

function yamlOf(file: string): unknown {
  return parse(readFileSync(`${repository}deploy/compose/${file}`, "utf8"));
}

test("the collector listens where the front-ends send traces, and its pipelines name parts that are there", () => {
  type Parts = Record<string, object>;
  type Pipeline = Record<"receivers" | "processors" | "exporters", readonly string[]>;
  type Collector = Record<keyof Pipeline, Parts> & {
    readonly service: { readonly pipelines: Record<string, Pipeline> };
  };
  const collector = yamlOf("otel-collector.yaml") as Collector & {
    readonly receivers: { readonly otlp: { readonly protocols: { readonly http: { readonly endpoint: string } } } };
  };
  assert.deepEqual(Object.keys(collector.service.pipelines), ["traces"]);
  for (const pipeline of Object.values(collector.service.pipelines)) {
    for (const kind of ["receivers", "processors", "exporters"] as const) {
      assert.deepEqual(
        pipeline[kind].filter((name) => !Object.hasOwn(collector[kind], name)),
        [],
      );
      assert.ok(pipeline[kind].length > 0, kind);
    }
  }
  const env = { QPQ_DATABASE_PASSWORD: "x", GRAFANA_PASSWORD: "x" };
  const { services } = loadCompose(tools.composeSpec, { folder, env });
  const endpoint = new URL(services["qpq-1"]?.environment?.["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? "");
  assert.ok(Object.hasOwn(services, endpoint.hostname), endpoint.hostname);
  assert.equal(endpoint.port, collector.receivers.otlp.protocols.http.endpoint.split(":").at(-1));
});

test("Grafana's provisioned source is the Prometheus of the compose file, and its dashboards are where it looks", () => {
  type Sources = { readonly datasources: readonly { readonly type: string; readonly url: string }[] };
  type Providers = { readonly providers: readonly { readonly options: { readonly path: string } }[] };
  const [source] = (yamlOf("grafana/provisioning/datasources/prometheus.yaml") as Sources).datasources;
  const [provider] = (yamlOf("grafana/provisioning/dashboards/quicproquo.yaml") as Providers).providers;
  const env = { QPQ_DATABASE_PASSWORD: "x", GRAFANA_PASSWORD: "x" };
  const { services } = loadCompose(tools.composeSpec, { folder, env });
  assert.deepEqual({ type: source?.type, url: source?.url }, { type: "prometheus", url: "http://prometheus:9090" });
  assert.ok(Object.hasOwn(services, "prometheus"));
  const mounted = services["grafana"]?.volumes?.find(({ target }) => target === provider?.options.path);
  assert.ok(readdirSync(mounted?.source ?? "").some((name) => name.endsWith(".json")));
});
