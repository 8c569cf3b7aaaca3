/** Looking people up over real QUIC: by name, by key, and where they say they are. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { QpqError } from "quicproquo-proto";
import { newIdentity } from "../../testing/opaque-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { codeOf } from "./code-of.ts";
import { arrive } from "./people.ts";
import { RawClient } from "./raw-client.ts";
import { stores } from "./stores.ts";

for (const { name, start } of stores) {
  describe(`the directory over ${name}`, () => {
    let server: ServerProcess;
    before(async () => {
      server = await start({ settings: { "lookups-per-minute": 20 } });
    });
    after(() => server[Symbol.asyncDispose]());
    const connect = (token: Uint8Array | string): Promise<RawClient> => RawClient.connect(server, { token });

    test("a person is found by name and by key, by everybody who has a token, and nobody else", async () => {
      const [alice, bob] = [await arrive(server, "alice"), await arrive(server, "bob")];
      const { identityKey } = alice.identity;
      for (const token of [bob.token, server.token]) {
        using client = await connect(token);
        const found = await client.call("resolveUser", { username: "Alice" });
        assert.equal(Buffer.compare(found.identityKey, identityKey), 0);
        assert.deepEqual(await client.call("resolveIdentity", { identityKey }), { username: "alice" });
        assert.equal((await client.call("resolveUser", { username: "nobody" })).identityKey.length, 0);
        const stranger = newIdentity();
        assert.deepEqual(await client.call("resolveIdentity", stranger), { username: "" });
        assert.equal((await client.call("resolveEndpoint", stranger)).endpoint.length, 0);
      }
      using nobody = await connect("");
      for (const [method, params] of [
        ["resolveUser", { username: "alice" }],
        ["resolveIdentity", { identityKey }],
        ["resolveEndpoint", { identityKey }],
        ["publishEndpoint", { identityKey, endpoint: new Uint8Array(1) }],
      ] as const) {
        assert.equal(await codeOf(nobody.call(method, params)), "E003_UNAUTHENTICATED", method);
      }
    });

    test("a person publishes where it is, is told where the server sees it, and nobody publishes that of another", async () => {
      const [carol, dave] = [await arrive(server, "carol"), await arrive(server, "dave")];
      const { identityKey } = carol.identity;
      using atCarol = await connect(carol.token);
      using atDave = await connect(dave.token);
      const endpoint = Buffer.from("here");
      const { observedAddress } = await atCarol.call("publishEndpoint", { identityKey, endpoint });
      assert.match(observedAddress, /^127\.0\.0\.1:\d+$/);
      assert.notEqual(observedAddress, `127.0.0.1:${server.port}`);
      assert.equal(await codeOf(atDave.call("publishEndpoint", { identityKey, endpoint })), "E006_FORBIDDEN");
      const found = await atDave.call("resolveEndpoint", { identityKey });
      assert.equal(Buffer.from(found.endpoint).toString(), "here");
    });

    test("who asks for too many is told when to come back, others ask on", async () => {
      const [erin, frank] = [await arrive(server, "erin"), await arrive(server, "frank")];
      using atErin = await connect(erin.token);
      let refusal: unknown;
      for (let n = 0; n < 200 && refusal === undefined; n++) {
        await atErin.call("resolveUser", { username: `user${n}` }).catch((error: unknown) => {
          refusal = error;
        });
      }
      assert.ok(refusal instanceof QpqError && refusal.code === "E018_RATE_LIMIT" && (refusal.retryAfterMs ?? 0) > 0);
      using atFrank = await connect(frank.token);
      assert.equal((await atFrank.call("resolveUser", { username: "erin" })).identityKey.length, 32);
    });
  });
}
