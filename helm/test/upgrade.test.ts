/** What an upgrade keeps: with other keys nobody could come back, and clients would not know the server. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { type KubernetesObject, only, render, renderOn } from "./chart.ts";
import { fullname } from "./rendered.ts";
import { startSecretsApi } from "./secrets-api.ts";

const made = [fullname, `${fullname}-tls`];

function dataOf(objects: readonly KubernetesObject[], name: string) {
  return only(objects, "Secret", name)["data"] as Readonly<Record<string, string>>;
}

it("an install makes keys, passwords and a certificate that no other install has", () => {
  const [one, other] = [render({ values: "bundled" }), render({ values: "bundled" })] as const;
  for (const key of ["transport-secret", "database-password", "redis-url", "redis.conf"]) {
    assert.notEqual(dataOf(one, fullname)[key], dataOf(other, fullname)[key], key);
  }
  for (const key of ["ca.crt", "tls.crt", "tls.key"]) {
    assert.notEqual(dataOf(one, `${fullname}-tls`)[key], dataOf(other, `${fullname}-tls`)[key], key);
  }
});

it("an upgrade keeps them, whatever else changes", async () => {
  const installed = render({ values: "bundled" });
  await using api = await startSecretsApi(installed);
  const upgraded = await renderOn(api.port, { values: "bundled", set: { "config.workers": 4, replicaCount: 7 } });
  for (const name of made) assert.deepEqual(dataOf(upgraded, name), dataOf(installed, name));
});

it("an upgrade makes what the install had no need of, and keeps the rest", async () => {
  const installed = render({ values: "bundled", set: { "bundled.redis.enabled": false } });
  await using api = await startSecretsApi(installed);
  const {
    "redis-url": url,
    "redis.conf": conf,
    ...rest
  } = dataOf(await renderOn(api.port, { values: "bundled" }), fullname);
  assert.ok(url !== undefined && conf !== undefined);
  assert.deepEqual(rest, dataOf(installed, fullname));
});

it("an upgrade takes a secret that is given now in place of the one it had made", async () => {
  const installed = render({ values: "bundled" });
  await using api = await startSecretsApi(installed);
  const set = { "secrets.transportSecret.value": "given" };
  const { "transport-secret": secret, ...rest } = dataOf(
    await renderOn(api.port, { values: "bundled", set }),
    fullname,
  );
  assert.equal(Buffer.from(secret as string, "base64").toString(), "given");
  const { "transport-secret": _, ...before } = dataOf(installed, fullname);
  assert.deepEqual(rest, before);
});

it("what a release has no Secrets of yet is made anew", async () => {
  await using api = await startSecretsApi([]);
  const [one, other] = [
    await renderOn(api.port, { values: "bundled" }),
    await renderOn(api.port, { values: "bundled" }),
  ];
  assert.notDeepEqual(dataOf(one, fullname), dataOf(other, fullname));
});
