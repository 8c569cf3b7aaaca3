/** The two crypto providers: the same bytes from both, a bounded cache, and refusals where the inputs are bad. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { Identity, paddingBuckets } from "quicproquo-core";
import { joinGroup, createGroup, makePskIndex } from "ts-mls/clientState.js";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { createCommit } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { generateKeyPackageWithKey } from "ts-mls/keyPackage.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { mlsCrypto as nodeCrypto } from "../../src/mls/crypto-node.ts";
import { mlsCrypto as webCrypto } from "../../src/mls/crypto-web.ts";
import { KeyCache, keyCacheEntriesMax } from "../../src/mls/key-cache.ts";
import { lowOrderPoints } from "../low-order-points.ts";
import { bytes, groupOf, hex, type Person, text } from "./people.ts";
import { suites } from "./suites.ts";

test("HKDF, HMAC and SHA-256 of both providers agree on any input", async () => {
  const part = fc.uint8Array({ maxLength: 200 });
  const salt = randomBytes(32);
  await fc.assert(
    fc.asyncProperty(part, part, fc.integer({ min: 1, max: 100 }), async (key, data, length) => {
      const of = async ({ hash, kdf }: typeof nodeCrypto) => [
        hex(await hash.digest(data)),
        ...(key.length === 0 ? [] : [hex(await hash.mac(key, data))]), // WebCrypto has no empty keys
        hex(await kdf.extract(new Uint8Array(0), data)),
        hex(await kdf.expand(await kdf.extract(salt, data), key, length)),
      ];
      assert.deepEqual(await of(nodeCrypto), await of(webCrypto));
    }),
    { numRuns: 50 },
  );
});

test("what one provider seals with HPKE or AES-GCM the other opens, and an altered byte opens with neither", async () => {
  const text = fc.uint8Array({ maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(text, text, text, async (plaintext, info, aad) => {
      for (const [from, to] of [
        [nodeCrypto.hpke, webCrypto.hpke],
        [webCrypto.hpke, nodeCrypto.hpke],
      ] as const) {
        const pair = await to.deriveKeyPair(randomBytes(32));
        const publicKey = await from.importPublicKey(await to.exportPublicKey(pair.publicKey));
        const { enc, ct } = await from.seal(publicKey, plaintext, info, aad);
        assert.equal(hex(await to.open(pair.privateKey, enc, ct, info, aad)), hex(plaintext));
        ct[0] = (ct[0] as number) ^ 1;
        for (const hpke of [from, to]) {
          const privateKey = await hpke.importPrivateKey(await to.exportPrivateKey(pair.privateKey));
          await assert.rejects(hpke.open(privateKey, enc, ct, info, aad));
        }
        const exported = await from.exportSecret(publicKey, aad, 40, info);
        const imported = await to.importSecret(pair.privateKey, aad, exported.enc, 40, info);
        assert.equal(hex(imported), hex(exported.secret));
        const [key, nonce] = [randomBytes(16), randomBytes(12)];
        const sealed = await from.encryptAead(key, nonce, aad, plaintext);
        assert.equal(hex(await to.decryptAead(key, nonce, aad, sealed)), hex(plaintext));
      }
    }),
    { numRuns: 20 },
  );
});

test("both derive the same key pair, and import refuses a key of another length", async () => {
  for (const seed of [new Uint8Array(32), randomBytes(32), randomBytes(32)]) {
    const pairs = [nodeCrypto.hpke, webCrypto.hpke].map(async (hpke) => {
      const { privateKey, publicKey } = await hpke.deriveKeyPair(seed);
      return [hex(await hpke.exportPrivateKey(privateKey)), hex(await hpke.exportPublicKey(publicKey))];
    });
    assert.deepEqual(await pairs[0], await pairs[1]);
  }
  for (const length of [0, 31, 33]) {
    await assert.rejects(nodeCrypto.hpke.importPublicKey(new Uint8Array(length)));
    await assert.rejects(nodeCrypto.hpke.importPrivateKey(new Uint8Array(length)));
  }
});

test("a low-order point is refused as a public key and as an encapsulated one", async () => {
  const { hpke } = nodeCrypto;
  const none = new Uint8Array(0);
  const { privateKey } = await hpke.generateKeyPair();
  for (const { bytes: point } of lowOrderPoints) {
    const publicKey = await hpke.importPublicKey(point);
    await assert.rejects(hpke.seal(publicKey, bytes("x"), none, none));
    await assert.rejects(hpke.open(privateKey, point, new Uint8Array(32), none, none));
  }
});

test("signatures of other lengths and under other keys are false, never an error", async () => {
  const me = Identity.generate();
  const signature = me.signMls(bytes("x"));
  const { verify } = nodeCrypto.signature;
  assert.equal(await verify(me.identityKey, bytes("x"), signature), true);
  assert.equal(await verify(me.identityKey, bytes("y"), signature), false);
  assert.equal(await verify(me.identityKey, bytes("x"), signature.subarray(1)), false);
  assert.equal(await verify(me.identityKey.subarray(1), bytes("x"), signature), false);
  assert.equal(await verify(new Uint8Array(32).fill(0xff), bytes("x"), signature), false);
});

test("the key cache holds at most its limit, keeps what is used, and is empty after a wipe", () => {
  const cache = new KeyCache<number>();
  let imports = 0;
  for (let at = 0; at < 100_000; at++) {
    cache.getOrImport("hot", () => ++imports);
    cache.getOrImport(`cold ${at}`, () => at);
    assert.ok(cache.size <= keyCacheEntriesMax);
  }
  assert.equal(imports, 1);
  assert.equal(cache.size, keyCacheEntriesMax);
  cache.wipe();
  assert.equal(cache.size, 0);
  assert.equal(
    cache.getOrImport("hot", () => ++imports),
    2,
  );
});

test("a cache that failed to import holds nothing", () => {
  const cache = new KeyCache<number>(2);
  assert.throws(() =>
    cache.getOrImport("bad", () => {
      throw new RangeError("no key");
    }),
  );
  assert.equal(cache.size, 0);
});

test("members on node:crypto and on WebCrypto are in one group", async () => {
  const [node, web] = suites.map(([, suite]) => suite) as [typeof nodeCrypto, typeof nodeCrypto];
  const member = async (suite: typeof nodeCrypto) => {
    const identity = Identity.generate();
    const capabilities = {
      versions: ["mls10" as const],
      ciphersuites: [suite.name],
      extensions: [],
      proposals: [],
      credentials: ["basic" as const],
    };
    const credential = { credentialType: "basic" as const, identity: identity.identityKey };
    const lifetime = { notBefore: 0n, notAfter: 2n ** 62n };
    const keys = { signKey: identity.exportSeed(), publicKey: identity.identityKey };
    return generateKeyPackageWithKey(credential, capabilities, lifetime, [], keys, suite);
  };
  const [alice, bob] = [await member(node), await member(web)];
  const created = await createGroup(new Uint8Array(16), alice.publicPackage, alice.privatePackage, [], node);
  const add = [{ proposalType: "add" as const, add: { keyPackage: bob.publicPackage } }];
  const { newState, welcome } = await createCommit(
    { state: created, cipherSuite: node },
    { extraProposals: add, ratchetTreeExtension: true },
  );
  assert.ok(welcome !== undefined);
  const psks = makePskIndex(undefined, {});
  const joined = await joinGroup(
    welcome,
    bob.publicPackage,
    bob.privatePackage,
    psks,
    web,
    undefined,
    undefined,
    defaultClientConfig,
  );
  const said = await createApplicationMessage(joined, bytes("from a browser"), web);
  const heard = await processPrivateMessage(newState, said.privateMessage, psks, node);
  assert.ok(heard.kind === "applicationMessage" && text(heard.message) === "from a browser");
  const update = await createCommit({ state: joined, cipherSuite: web });
  assert.ok(update.commit.wireformat === "mls_private_message");
  const followed = await processPrivateMessage(newState, update.commit.privateMessage, psks, node);
  const authenticator = update.newState.keySchedule.epochAuthenticator;
  assert.equal(hex(followed.newState.keySchedule.epochAuthenticator), hex(authenticator));
});

test("the length of a message tells its bucket only: 256, 1024, 4096, 16384 and multiples", async () => {
  const [alice, bob] = (await groupOf(2)) as [Person, Person];
  const frameBytes = 70; // a length of at most 4, a signature of 64 with its length of 2
  const lengthOf = async (contentBytes: number) => {
    const { next, message } = await alice.group.encrypt(new Uint8Array(contentBytes).fill(7));
    alice.group = next;
    const processed = await bob.receive(message);
    assert.ok(processed.kind === "application" && processed.content.length === contentBytes);
    return message.length;
  };
  const lengths = new Set<number>();
  for (const [at, bucket] of paddingBuckets.entries()) {
    const least = at === 0 ? 0 : (paddingBuckets[at - 1] as number) - frameBytes + 1;
    const seen = new Set<number>();
    for (const contentBytes of [least, least + 1, (least + bucket) >> 1, bucket - frameBytes])
      seen.add(await lengthOf(contentBytes));
    assert.equal(seen.size, 1, `bucket ${bucket}`);
    for (const length of seen) lengths.add(length - bucket);
  }
  assert.ok(
    [...lengths].every((overhead) => overhead > 0 && overhead < 120),
    [...lengths].join(),
  );
  assert.equal(await lengthOf(16_384 - frameBytes + 1), await lengthOf(2 * 16_384 - frameBytes));
  assert.equal((await lengthOf(100_000)) - (await lengthOf(83_000)), 16_384);
});

test("under the browser condition groups run on WebCrypto", () => {
  const program = fileURLToPath(new URL("./browser-condition.ts", import.meta.url));
  const run = spawnSync(process.execPath, ["--conditions=browser", program], { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(JSON.parse(run.stdout), { isWebCrypto: true, heard: "from a browser" });
});
