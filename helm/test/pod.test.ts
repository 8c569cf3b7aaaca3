/** What the chart renders runs: its Jobs and pods are started as processes, on a real Postgres and the Redis of the chart. */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { alpnNode } from "quicproquo-proto";
import { testOpaqueSetup } from "quicproquo-server/testing/opaque-server";
import { PostgresCluster, TestDatabase } from "quicproquo-server/testing/postgres";
import { closeCodes } from "quicproquo-transport";
import { dialQuic, type DialOptions } from "quicproquo-transport/quic";
import { type KubernetesObject, only, render } from "./chart.ts";
import { Person, type Place } from "./person.ts";
import { Pod } from "./pod.ts";
import { PodNetwork } from "./pod-network.ts";
import { probeOnce, ready } from "./pod-probes.ts";
import type { PodSpec, Probe } from "./pod-spec.ts";
import { fullname, podsIn } from "./rendered.ts";

const serverName = `${fullname}.chat.svc`;
const password = "a password of the database";

const started = new AsyncDisposableStack();
let network: PodNetwork;
let objects: readonly KubernetesObject[];
let hosts: Readonly<Record<string, string>>;
let redis: Pod;
let migration: { readonly code: number | null; readonly output: string };
let replicas: readonly [Pod, Pod];

before(async () => {
  network = started.use(await PodNetwork.open());
  const database = await startDatabase();
  objects = install({ "secrets.databaseUrl.value": database });
  redis = await startPod(podOf(only(objects, "Deployment", `${fullname}-redis`)));
  hosts = { "postgres.db": network.hostAddress, [`${fullname}-redis`]: redis.address };
  const job = await startPod(podOf(only(objects, "Job")));
  migration = { code: await job.ended, output: job.output };
  replicas = [await startReplica(), await startReplica()];
  await Promise.all(replicas.map(ready));
});
after(() => started.disposeAsync());

/** On this machine, for the pods' network; answers its URL for them. */
async function startDatabase(): Promise<string> {
  const cluster = started.use(
    await PostgresCluster.start({
      settings: { listen_addresses: network.hostAddress },
      access: ["host all all 0.0.0.0/0 scram-sha-256"],
    }),
  );
  const administrator = new TestDatabase(cluster, "postgres");
  await administrator.query(`CREATE USER server PASSWORD '${password}'`);
  await administrator.query("CREATE DATABASE mail OWNER server TEMPLATE template0");
  return `postgres://server@postgres.db:${cluster.port}/mail?sslmode=disable`;
}

/** With the Secret that an operator has made before. */
function install(set: Readonly<Record<string, unknown>>): readonly KubernetesObject[] {
  const rendered = render({
    set: {
      "secrets.opaqueSetup.existingSecret": "qpq-operator",
      "secrets.databasePassword.existingSecret": "qpq-operator",
      "bundled.redis.enabled": true,
      "tls.reloadSeconds": 1,
      "config.drainMs": 3_000,
      serverIdPerPod: true,
      ...set,
    },
  });
  const data = { "opaque-setup": testOpaqueSetup, "database-password": password };
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "qpq-operator" },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
  };
  return [...rendered, secret];
}

function podOf(object: KubernetesObject): PodSpec {
  return podsIn([object])[0] as PodSpec;
}

async function startPod(spec: PodSpec, from = objects): Promise<Pod> {
  return started.use(await Pod.start(spec, { network, objects: from, hosts }));
}

async function startReplica(from = objects): Promise<Pod> {
  return await startPod(podOf(only(from, "Deployment", fullname)), from);
}

/** Of the authority that clients trust. */
function certificateIn(from: readonly KubernetesObject[]): Buffer {
  const { data } = only(from, "Secret", `${fullname}-tls`) as unknown as { data: Record<string, string> };
  return Buffer.from(data["ca.crt"] as string, "base64");
}

function dial(pod: Pod, options: Partial<DialOptions> = {}) {
  return dialQuic({
    host: pod.address,
    port: pod.container.ports?.find(({ name }) => name === "quic")?.containerPort as number,
    serverName,
    alpn: [alpnNode],
    trust: { caCertificate: certificateIn(objects) },
    signal: AbortSignal.timeout(10_000),
    ...options,
  });
}

/** What a pod gives a client to come back with. */
async function ticketOf(pod: Pod): Promise<Uint8Array> {
  const ticket = Promise.withResolvers<Uint8Array>();
  const connection = await dial(pod, { onSession: ticket.resolve });
  const session = await ticket.promise;
  connection.close(closeCodes.done, "to come back");
  return session;
}

it("migrates the database by the hook's Job, before there is a pod", () => {
  assert.equal(migration.code, 0, migration.output);
  assert.match(migration.output, /migrations +tables brought from/);
});

it("starts two replicas whose probes pass, on Postgres and the bundled Redis", async () => {
  for (const pod of replicas) {
    const { startupProbe, livenessProbe, readinessProbe } = pod.container;
    for (const probe of [startupProbe, livenessProbe]) {
      assert.deepEqual(await probeOnce(pod, probe as Probe), { status: 200, text: "ok\n" });
    }
    // without Redis it would say that it is degraded
    assert.deepEqual(await probeOnce(pod, readinessProbe as Probe), { status: 200, text: "ok\n" });
    assert.match(pod.output, /token +none: people log in/);
  }
});

it("makes a real QUIC round trip by the pod of helm test, and fails it when nobody serves", async () => {
  const probe = podOf(only(objects, "Pod", `${fullname}-probe`));
  const run = async (serving: string) => {
    const pod = await Pod.start(probe, { network, objects, hosts: { [fullname]: serving } });
    await using _ = pod;
    return { code: await pod.ended, output: pod.output };
  };
  for (const { address } of replicas) {
    const { code, output } = await run(address);
    assert.equal(code, 0, output);
    assert.match(output, /^ok .*over QUIC: handshake [\d.]+ ms, health [\d.]+ ms/);
  }
  assert.equal((await run(redis.address)).code, 3, "unreachable");
});

it("resumes at each replica what a ticket of the other began, and at none that has other keys", async () => {
  const [one, other] = replicas;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    const connection = await dial(to, { session: await ticketOf(from) });
    assert.equal(connection.info.resumed, true);
    connection.close(closeCodes.done, "seen");
  }
  const foreign = install({
    "secrets.databaseUrl.value": databaseUrlIn(objects),
    "secrets.redisUrl.value": "",
    "bundled.redis.enabled": false,
  });
  const stranger = await startReplica([
    ...foreign.filter(({ metadata }) => metadata.name !== `${fullname}-tls`),
    only(objects, "Secret", `${fullname}-tls`),
  ]);
  await ready(stranger);
  const connection = await dial(stranger, { session: await ticketOf(one) });
  assert.equal(connection.info.resumed, false);
  connection.close(closeCodes.done, "seen");
});

function databaseUrlIn(from: readonly KubernetesObject[]): string {
  const { data } = only(from, "Secret", fullname) as unknown as { data: Record<string, string> };
  return Buffer.from(data["database-url"] as string, "base64").toString();
}

it("lets people log in at one replica who registered at the other, and carries messages between them", async () => {
  const placeOf = ({ address }: Pod): Place => ({ address, serverName, authority: certificateIn(objects) });
  const [one, other] = [placeOf(replicas[0]), placeOf(replicas[1])];
  using alice = new Person("alice");
  using bob = new Person("bob");
  for (const [person, registersAt, logsInAt] of [
    [alice, one, other],
    [bob, other, one],
  ] as const) {
    await person.at(registersAt, "register-user", person.name);
    await person.at(logsInAt, "login", person.name);
  }
  const [heard] = await Promise.all([
    bob.at(one, "recv", "--follow", "--count", "1"),
    alice.at(other, "send", "bob", "from one pod to the other"),
  ]);
  assert.match(heard, /from one pod to the other/);
});

it("gives each replica a server id of its own, from its UID", () => {
  for (const pod of replicas) {
    assert.equal(pod.variables["QPQ_SERVER_ID"], pod.uid.replaceAll("-", "").slice(0, 16));
  }
  assert.notEqual(replicas[0].uid, replicas[1].uid);
});

it("has no secret in its variables, and lets the server write to its own folders alone", async () => {
  const [pod] = replicas;
  const secrets = [password, databaseUrlIn(objects)];
  for (const value of Object.values(pod.variables)) for (const secret of secrets) assert.ok(!value.includes(secret));
  const writes = await pod.exec(
    "for folder in / /etc/qpq /run/secrets/qpq /opt/qpq-server /usr; do touch $folder/new && echo wrote $folder; done; true",
  );
  assert.doesNotMatch(writes.output, /wrote/);
  assert.match(writes.output, /Read-only file system/);
  assert.equal((await pod.exec("touch /tmp/new /var/lib/qpq-server/new && id -u")).output, "10001\n");
  assert.match((await pod.exec("grep ^CapBnd /proc/self/status")).output, /CapBnd:\t0+\n/);
});

it("shows a renewed certificate to new connections, and keeps the old ones", async () => {
  const [pod] = replicas;
  const before = await dial(pod);
  const renewed = install({ "secrets.databaseUrl.value": databaseUrlIn(objects) });
  let isLost = false;
  before.onClose = () => {
    isLost = true;
  };
  pod.rewrite("tls", renewed);
  const trust = { caCertificate: certificateIn(renewed) };
  const isShown = () =>
    dial(pod, { trust }).then(
      (connection) => connection,
      () => undefined,
    );
  let shown = await isShown();
  while (shown === undefined) {
    await pause(200);
    shown = await isShown();
  }
  assert.match(pod.output, /certificate_reloaded/);
  assert.equal(isLost, false);
  shown.close(closeCodes.done, "seen");
  before.close(closeCodes.done, "seen");
});

it("ends by itself within what the grace period leaves it", async () => {
  const [, pod] = replicas;
  const { terminationGracePeriodSeconds = 0 } = podOf(only(objects, "Deployment", fullname));
  const { preStop } = pod.container.lifecycle as NonNullable<typeof pod.container.lifecycle>;
  // what the kubelet leaves the process
  const leftMs = (terminationGracePeriodSeconds - preStop.sleep.seconds) * 1_000;
  pod.kill("SIGTERM");
  const code = await Promise.race([pod.ended, pause(leftMs, "killed", { ref: false })]);
  assert.equal(code, 0, pod.output);
});
