/** What the chart does not take, and what it says of it: before anything is installed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { chart, render } from "./chart.ts";

const whole = { "secrets.opaqueSetup.existingSecret": "qpq", "secrets.databaseUrl.existingSecret": "qpq" };

function refusal(set: Readonly<Record<string, unknown>>): string {
  try {
    render({ set: { ...whole, ...set } });
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}

describe("values", () => {
  const wrong: readonly (readonly [path: string, value: unknown, words: RegExp])[] = [
    ["replicas", 3, /additional properties 'replicas' not allowed/],
    ["image.name", "qpq", /at '\/image': additional properties 'name'/],
    ["config.workerz", 2, /at '\/config': additional properties 'workerz'/],
    ["config.workers", 0, /at '\/config\/workers': minimum: got 0, want 1/],
    ["config.workers", "2", /at '\/config\/workers': got string, want integer/],
    ["config.logLevel", "loud", /at '\/config\/logLevel': value must be one of/],
    ["config.production", "yes", /at '\/config\/production': got string, want boolean/],
    ["config.serverId", "xyz", /at '\/config\/serverId': 'xyz' does not match pattern/],
    ["tls.certManager.issuer", "x", /at '\/tls\/certManager': additional properties 'issuer'/],
    ["service.websocket.type", "NodePort", /at '\/service\/websocket': additional properties 'type'/],
    ["service.type", "ExternalName", /at '\/service\/type': value must be one of/],
    ["bundled.redis.storage", "1Gi", /at '\/bundled\/redis': additional properties 'storage'/],
    ["networkPolicy.egressPorts", ["5432"], /at '\/networkPolicy\/egressPorts\/0': got string/],
    ["image.digest", "latest", /at '\/image\/digest': 'latest' does not match pattern/],
  ];
  for (const [path, value, words] of wrong) {
    it(`refuse ${path}=${JSON.stringify(value)}`, () => assert.match(refusal({ [path]: value }), words));
  }

  for (const name of ["databaseUrl", "databasePassword", "redisUrl", "opaqueSetup", "authToken", "otlpHeaders"]) {
    it(`have no room for the secret ${name} among the settings`, () => {
      assert.match(refusal({ [`config.${name}`]: "x" }), new RegExp(`additional properties '${name}' not allowed`));
    });
  }

  for (const name of ["store", "dataDir", "port", "opsPort", "tlsCert"]) {
    it(`leave ${name} to the chart`, () => {
      assert.match(refusal({ [`config.${name}`]: "x" }), new RegExp(`additional properties '${name}' not allowed`));
    });
  }
});

type Schema = { readonly properties?: Readonly<Record<string, Schema>> };

/** Paths that a schema has and the values don't. */
function missingIn(values: unknown, { properties }: Schema, path = ""): string[] {
  if (properties === undefined) return values === undefined ? [path] : [];
  return Object.entries(properties).flatMap(([name, schema]) =>
    missingIn((values as Record<string, unknown> | undefined)?.[name], schema, `${path}.${name}`),
  );
}

describe("values.yaml", () => {
  it("has every value that the schema takes but the server's settings", () => {
    const schema = JSON.parse(readFileSync(join(chart, "values.schema.json"), "utf8")) as Schema;
    const values = parse(readFileSync(join(chart, "values.yaml"), "utf8"));
    const missing = missingIn(values, schema).filter((path) => !path.startsWith(".config."));
    assert.deepEqual(missing, [".global"]);
  });
});

describe("the chart", () => {
  it("does not go without a database, and says where to name it", () => {
    assert.match(refusal({ "secrets.databaseUrl.existingSecret": "" }), /secrets\.databaseUrl, or bundled\.postgres/);
  });

  it("does not go without an OPAQUE setup, and says the command that makes one", () => {
    const words = refusal({ "secrets.opaqueSetup.existingSecret": "" });
    assert.match(words, /kubectl run .* -- qpq-server secrets opaque-setup \| kubectl create secret generic/);
  });

  it("takes a secret from one place", () => {
    assert.match(
      refusal({ "secrets.databaseUrl.value": "postgres://a@b/c" }),
      /secrets\.databaseUrl: give value or existingSecret/,
    );
    assert.match(refusal({ "bundled.postgres.enabled": true }), /leave them out of secrets/);
    assert.match(
      refusal({ "bundled.redis.enabled": true, "secrets.redisUrl.value": "redis://a" }),
      /leave it out of secrets/,
    );
    assert.match(refusal({ "tls.existingSecret": "a", "tls.certManager.enabled": true }), /give one of them/);
  });

  it("says no secret when it refuses", () => {
    const words = refusal({ "secrets.redisUrl": { value: "redis://canary@host", existingSecret: "a", key: "b" } });
    assert.match(words, /secrets\.redisUrl/);
    assert.doesNotMatch(words, /canary/);
  });
});
