/**
 * The RFC 9420 test vectors of the MLS working group (vectors/mls/README.md) for suite 0x0001 against the pinned ts-mls
 * on both of our crypto providers: keys and protection. Vectors show that primitives, trees, schedules and messages are
 * RFC 9420; what they cannot show is whether the commits that a client makes lock anybody out: producer.test.ts does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupContext } from "ts-mls";
import { defaultClientConfig } from "ts-mls/clientConfig.js";
import { refhash } from "ts-mls/crypto/hash.js";
import { decryptWithLabel, encryptWithLabel } from "ts-mls/crypto/hpke.js";
import { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
import { signWithLabel, verifyWithLabel } from "ts-mls/crypto/signature.js";
import { encodeGroupContext } from "ts-mls/groupContext.js";
import { initializeEpoch, mlsExporter } from "ts-mls/keySchedule.js";
import { decodeMlsMessage } from "ts-mls/message.js";
import { protectApplicationData, unprotectPrivateMessage } from "ts-mls/messageProtection.js";
import { unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
import { computePskSecret } from "ts-mls/presharedkey.js";
import { encodeProposal } from "ts-mls/proposal.js";
import { createSecretTree, deriveKey, deriveNonce, ratchetUntil } from "ts-mls/secretTree.js";
import { expandSenderDataKey, expandSenderDataNonce } from "ts-mls/sender.js";
import { bytesOf, hexOf } from "../vectors.ts";
import { eachSuite, type Hex, read, whole } from "./rfc9420.ts";

const none = new Uint8Array(0);

test("crypto basics: labelled hash, expand, derive, sign and HPKE", async () => {
  type Labelled = Readonly<Record<"label" | "secret" | "out" | "context" | "value", Hex>> & {
    readonly length: number;
    readonly generation: number;
  };
  type Signing = Readonly<Record<"priv" | "pub" | "content" | "label" | "signature", Hex>>;
  type Sealing = Readonly<
    Record<"priv" | "pub" | "label" | "context" | "plaintext" | "kem_output" | "ciphertext", Hex>
  >;
  type Vector = Readonly<
    Record<"ref_hash" | "expand_with_label" | "derive_secret" | "derive_tree_secret", Labelled>
  > & {
    readonly sign_with_label: Signing;
    readonly encrypt_with_label: Sealing;
  };
  const [vector] = read<Vector>("crypto-basics", 1);
  assert.ok(vector !== undefined);
  await eachSuite(async (suite) => {
    const { ref_hash: ref, expand_with_label: expand, derive_secret: derive, derive_tree_secret: tree } = vector;
    assert.equal(hexOf(await refhash(ref.label, bytesOf(ref.value), suite.hash)), ref.out);
    const expanded = expandWithLabel(
      bytesOf(expand.secret),
      expand.label,
      bytesOf(expand.context),
      expand.length,
      suite.kdf,
    );
    assert.equal(hexOf(await expanded), expand.out);
    assert.equal(hexOf(await deriveSecret(bytesOf(derive.secret), derive.label, suite.kdf)), derive.out);
    const treeSecret = deriveTreeSecret(bytesOf(tree.secret), tree.label, tree.generation, tree.length, suite.kdf);
    assert.equal(hexOf(await treeSecret), tree.out);

    const signing = vector.sign_with_label;
    const content = bytesOf(signing.content);
    assert.equal(
      hexOf(await signWithLabel(bytesOf(signing.priv), signing.label, content, suite.signature)),
      signing.signature,
    );
    const signature = bytesOf(signing.signature);
    assert.ok(await verifyWithLabel(bytesOf(signing.pub), signing.label, content, signature, suite.signature));

    const { hpke } = suite;
    const sealing = vector.encrypt_with_label;
    const privateKey = await hpke.importPrivateKey(bytesOf(sealing.priv));
    const open = (enc: Uint8Array, ciphertext: Uint8Array) =>
      decryptWithLabel(privateKey, sealing.label, bytesOf(sealing.context), enc, ciphertext, hpke);
    assert.equal(hexOf(await open(bytesOf(sealing.kem_output), bytesOf(sealing.ciphertext))), sealing.plaintext);
    const publicKey = await hpke.importPublicKey(bytesOf(sealing.pub));
    const text = bytesOf(sealing.plaintext);
    const sealed = await encryptWithLabel(publicKey, sealing.label, bytesOf(sealing.context), text, hpke);
    assert.equal(hexOf(await open(sealed.enc, sealed.ct)), sealing.plaintext);
  });
});

test("secret tree: 3 trees, keys and nonces of every leaf and generation, and sender data", async () => {
  type Step = { readonly generation: number } & Readonly<
    Record<"application_key" | "application_nonce" | "handshake_key" | "handshake_nonce", Hex>
  >;
  type Vector = {
    readonly encryption_secret: Hex;
    readonly sender_data: Readonly<Record<"sender_data_secret" | "ciphertext" | "key" | "nonce", Hex>>;
    readonly leaves: readonly (readonly Step[])[];
  };
  const config = { ...defaultClientConfig.keyRetentionConfig, maximumForwardRatchetSteps: 1_000 };
  const vectors = read<Vector>("secret-tree", 3);
  await eachSuite(async (suite) => {
    for (const { encryption_secret, sender_data: sender, leaves } of vectors) {
      const secret = bytesOf(sender.sender_data_secret);
      const sample = bytesOf(sender.ciphertext);
      assert.equal(hexOf(await expandSenderDataKey(suite, secret, sample)), sender.key);
      assert.equal(hexOf(await expandSenderDataNonce(suite, secret, sample)), sender.nonce);
      const tree = await createSecretTree(leaves.length, bytesOf(encryption_secret), suite.kdf);
      for (const [leaf, steps] of leaves.entries()) {
        for (const step of steps) {
          for (const kind of ["application", "handshake"] as const) {
            const ratchet = tree[leaf * 2]?.[kind];
            assert.ok(ratchet !== undefined);
            const [{ secret: at }] = await ratchetUntil(ratchet, step.generation, config, suite.kdf);
            assert.equal(hexOf(await deriveKey(at, step.generation, suite)), step[`${kind}_key`]);
            assert.equal(hexOf(await deriveNonce(at, step.generation, suite)), step[`${kind}_nonce`]);
          }
        }
      }
    }
  });
});

test("message protection: a proposal, a commit and an application message, private and public, open", async () => {
  type Vector = { readonly epoch: number } & Readonly<
    Record<
      | "group_id"
      | "tree_hash"
      | "confirmed_transcript_hash"
      | "signature_pub"
      | "signature_priv"
      | "encryption_secret"
      | "sender_data_secret"
      | "membership_key"
      | "proposal"
      | "proposal_priv"
      | "proposal_pub"
      | "commit_priv"
      | "commit_pub"
      | "application"
      | "application_priv",
      Hex
    >
  >;
  const [vector] = read<Vector>("message-protection", 1);
  assert.ok(vector !== undefined);
  const context: GroupContext = {
    version: "mls10",
    cipherSuite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    groupId: bytesOf(vector.group_id),
    epoch: BigInt(vector.epoch),
    treeHash: bytesOf(vector.tree_hash),
    confirmedTranscriptHash: bytesOf(vector.confirmed_transcript_hash),
    extensions: [],
  };
  const signer = bytesOf(vector.signature_pub);
  const senderDataSecret = bytesOf(vector.sender_data_secret);
  const config = defaultClientConfig.keyRetentionConfig;
  await eachSuite(async (suite) => {
    const tree = await createSecretTree(2, bytesOf(vector.encryption_secret), suite.kdf);
    const openPrivate = async (hex: Hex) => {
      const message = whole(decodeMlsMessage, hex);
      assert.ok(message.wireformat === "mls_private_message");
      const { privateMessage } = message;
      return (await unprotectPrivateMessage(senderDataSecret, privateMessage, tree, [], context, config, suite, signer))
        .content.content;
    };
    const openPublic = async (hex: Hex) => {
      const message = whole(decodeMlsMessage, hex);
      assert.ok(message.wireformat === "mls_public_message");
      const key = bytesOf(vector.membership_key);
      return (await unprotectPublicMessage(key, context, [], message.publicMessage, suite, signer)).content;
    };
    for (const proposal of [await openPrivate(vector.proposal_priv), await openPublic(vector.proposal_pub)]) {
      assert.ok(proposal.contentType === "proposal");
      assert.equal(hexOf(encodeProposal(proposal.proposal)), vector.proposal);
    }
    for (const commit of [await openPrivate(vector.commit_priv), await openPublic(vector.commit_pub)]) {
      assert.equal(commit.contentType, "commit");
    }
    const application = await openPrivate(vector.application_priv);
    assert.ok(application.contentType === "application");
    assert.equal(hexOf(application.applicationData), vector.application);

    const protectedAgain = await protectApplicationData(
      bytesOf(vector.signature_priv),
      senderDataSecret,
      bytesOf(vector.application),
      none,
      context,
      tree,
      1,
      { kind: "padUntilLength", padUntilLength: 0 },
      suite,
    );
    const { privateMessage } = protectedAgain;
    const reopened = await unprotectPrivateMessage(
      senderDataSecret,
      privateMessage,
      tree,
      [],
      context,
      config,
      suite,
      signer,
    );
    assert.ok(reopened.content.content.contentType === "application");
    assert.equal(hexOf(reopened.content.content.applicationData), vector.application);
  });
});

test("key schedule: 5 epochs, every secret, the exporter and the external key", async () => {
  type Epoch = Readonly<
    Record<
      | "tree_hash"
      | "commit_secret"
      | "psk_secret"
      | "confirmed_transcript_hash"
      | "group_context"
      | "joiner_secret"
      | "welcome_secret"
      | "init_secret"
      | "sender_data_secret"
      | "encryption_secret"
      | "exporter_secret"
      | "epoch_authenticator"
      | "external_secret"
      | "confirmation_key"
      | "membership_key"
      | "resumption_psk"
      | "external_pub",
      Hex
    >
  > & { readonly exporter: Readonly<Record<"label" | "context" | "secret", Hex>> & { readonly length: number } };
  type Vector = { readonly group_id: Hex; readonly initial_init_secret: Hex; readonly epochs: readonly Epoch[] };
  const [vector] = read<Vector>("key-schedule", 1);
  assert.equal(vector?.epochs.length, 5);
  await eachSuite(async (suite) => {
    let initSecret = bytesOf(vector.initial_init_secret);
    for (const [at, epoch] of vector.epochs.entries()) {
      const context: GroupContext = {
        version: "mls10",
        cipherSuite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
        groupId: bytesOf(vector.group_id),
        epoch: BigInt(at),
        treeHash: bytesOf(epoch.tree_hash),
        confirmedTranscriptHash: bytesOf(epoch.confirmed_transcript_hash),
        extensions: [],
      };
      assert.equal(hexOf(encodeGroupContext(context)), epoch.group_context);
      const commitSecret = bytesOf(epoch.commit_secret);
      const secrets = await initializeEpoch(initSecret, commitSecret, context, bytesOf(epoch.psk_secret), suite.kdf);
      assert.equal(hexOf(secrets.joinerSecret), epoch.joiner_secret);
      assert.equal(hexOf(secrets.welcomeSecret), epoch.welcome_secret);
      assert.equal(hexOf(secrets.encryptionSecret), epoch.encryption_secret);
      const { keySchedule } = secrets;
      assert.equal(hexOf(keySchedule.initSecret), epoch.init_secret);
      assert.equal(hexOf(keySchedule.senderDataSecret), epoch.sender_data_secret);
      assert.equal(hexOf(keySchedule.exporterSecret), epoch.exporter_secret);
      assert.equal(hexOf(keySchedule.epochAuthenticator), epoch.epoch_authenticator);
      assert.equal(hexOf(keySchedule.externalSecret), epoch.external_secret);
      assert.equal(hexOf(keySchedule.confirmationKey), epoch.confirmation_key);
      assert.equal(hexOf(keySchedule.membershipKey), epoch.membership_key);
      assert.equal(hexOf(keySchedule.resumptionPsk), epoch.resumption_psk);
      const external = await suite.hpke.deriveKeyPair(keySchedule.externalSecret);
      assert.equal(hexOf(await suite.hpke.exportPublicKey(external.publicKey)), epoch.external_pub);
      const { label, context: exported, length, secret } = epoch.exporter;
      const out = await mlsExporter(keySchedule.exporterSecret, label, bytesOf(exported), length, suite);
      assert.equal(hexOf(out), secret);
      initSecret = Uint8Array.from(keySchedule.initSecret);
    }
  });
});

test("pre-shared keys: 10 combinations", async () => {
  type Vector = {
    readonly psks: readonly Readonly<Record<"psk_id" | "psk" | "psk_nonce", Hex>>[];
    readonly psk_secret: Hex;
  };
  const vectors = read<Vector>("psk-secret", 10);
  await eachSuite(async (suite) => {
    for (const { psks, psk_secret } of vectors) {
      const known = psks.map(
        ({ psk_id, psk, psk_nonce }): [Parameters<typeof computePskSecret>[0][number][0], Uint8Array] => [
          { psktype: "external", pskId: bytesOf(psk_id), pskNonce: bytesOf(psk_nonce) },
          bytesOf(psk),
        ],
      );
      assert.equal(hexOf(await computePskSecret(known, suite)), psk_secret);
    }
  });
});
