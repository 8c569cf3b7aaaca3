/**
 * The compose file, without an engine: read by the Compose Specification's own loader, and its services started by their own
 * commands, environment, volumes, health checks and order.
 */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import { type DeployTools, ensureDeployTools } from "../../scripts/deploy-tools.ts";
import { composeFile, type ComposeModel, loadCompose } from "./compose-file.ts";
import { ComposeStack } from "./compose-stack.ts";
import { makeVolume } from "./container.ts";
import { buildImage, repository } from "./image.ts";

const folder = makeOwnedFolder("qpq-compose-");
after(async () => {
  await stack?.[Symbol.asyncDispose]();
  removeFolder(folder);
});
chmodSync(folder, 0o755);
const bothWays = [
  ["qpq-1", "qpq-2"],
  ["qpq-2", "qpq-1"],
] as const;
const passwords = { QPQ_DATABASE_PASSWORD: "of-the-database", GRAFANA_PASSWORD: "of-grafana" };

let tools: DeployTools;
let model: ComposeModel;
let stack: ComposeStack;
before(async () => {
  tools = ensureDeployTools();
  model = loadCompose(tools.composeSpec, { folder, env: passwords });
  stack = await ComposeStack.open({ model, image: buildImage(makeVolume(folder, "image")), folder });
});

test("the compose file is one by the specification, and does not start without its passwords", () => {
  assert.ok(Object.keys(model.services).length >= 9);
  for (const name of Object.keys(passwords)) {
    const env = { ...passwords, [name]: "" };
    assert.throws(() => loadCompose(tools.composeSpec, { folder, env }), new RegExp(`required variable ${name}`));
  }
  const wrong = join(folder, "wrong.yaml");
  writeFileSync(
    wrong,
    readFileSync(composeFile, "utf8")
      .replace("    read_only: true", "read_only: true")
      .replace("stop_grace_period", "stop_grace"),
  );
  assert.throws(() => loadCompose(tools.composeSpec, { folder, env: passwords, file: wrong }), /stop_grace/);
});

test("every container but Postgres's, which is root at its start, has a read-only root and no capability", () => {
  for (const [name, { read_only, cap_drop, security_opt }] of Object.entries(model.services)) {
    if (name === "postgres") continue;
    assert.deepEqual(
      { read_only, cap_drop, security_opt },
      { read_only: true, cap_drop: ["ALL"], security_opt: ["no-new-privileges:true"] },
      name,
    );
  }
});

test("the stack comes up in its order, and each front-end takes the other for itself", async () => {
  await stack.up("qpq-2");
  for (const [from, to] of bothWays) {
    assert.equal(stack.get(from, to, "/readyz"), "ok");
    // by the pin of its own certificate: the other one has the same key
    const probed = stack.container(from).exec(["qpq-server", "probe", `${to}:7000`]);
    assert.equal(probed.code, 0, probed.output);
    assert.match(stack.get(from, to, "/metrics"), /^qpq_store_up\{part="redis"\} 1$/m);
  }
});

test("what one person sends at a front-end another reads at the other, with the certificate and token of the shared volume", async () => {
  await stack.up("qpq-2");
  const as = (name: string, server: string, ...words: readonly string[]): string =>
    stack.run("grafana", [process.execPath, `${repository}client/cli/bin/qpq.mjs`, ...words], {
      QPQ_SERVER: `${stack.addressOf(server)}:7000`,
      QPQ_CA_CERT: join(folder, "identity/server-cert.der"),
      QPQ_AUTH_TOKEN_FILE: join(folder, "identity/auth-token"),
      QPQ_STATE: join(folder, `${name}.bin`),
    });
  as("alice", "qpq-1", "register-state");
  as("bob", "qpq-2", "register-state");
  const { identityKey: bob } = JSON.parse(as("bob", "qpq-2", "whoami", "--json")) as { identityKey: string };
  as("alice", "qpq-1", "send", bob, "through both");
  assert.match(as("bob", "qpq-2", "recv", "--count", "1"), /through both/);
});

test("Prometheus scrapes both front-ends, by the names of the compose file", async () => {
  await stack.up("qpq-2");
  await stack.up("prometheus");
  const query = `/api/v1/query?query=${encodeURIComponent('up{job="qpq"}')}`;
  type Answer = { data: { result: { metric: { instance: string }; value: [number, string] }[] } };
  const seen = (): string[] => {
    const text = stack.get("prometheus", "prometheus", query);
    if (!text.startsWith("{")) return []; // it does not listen yet
    const { result } = (JSON.parse(text) as Answer).data;
    return result.filter(({ value }) => value[1] === "1").map(({ metric }) => metric.instance);
  };
  while (seen().length < 2) await pause(500);
  assert.deepEqual(seen().toSorted(), ["qpq-1:9090", "qpq-2:9090"]);
});

test("a front-end that is stopped ends with 0", async () => {
  await stack.up("qpq-2");
  for (const name of ["qpq-2", "qpq-1"]) {
    const container = stack.container(name);
    assert.equal(await container.stop(), 0, container.output);
  }
});
