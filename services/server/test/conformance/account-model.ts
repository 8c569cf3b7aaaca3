/** Whatever is done to accounts, tokens, devices, channels and blobs, a store answers what the reference store answers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { IdentityKey } from "quicproquo-proto";
import { createMemoryStore } from "../../src/store/index.ts";
import type { BlobAppended, Store } from "../../src/store/port.ts";
import { accountNamed, deviceOf, recordOf, tokenHash } from "./account-rows.ts";
import { defaultLimits, identityOf, messageIdOf, Setup, type Subject } from "./subject.ts";

/** Few names, so that they meet: people and devices are drawn from the same keys. */
const person = fc.constantFrom("alice", "bob", "carol");
const key = fc.constantFrom("alice", "bob", "carol", "phone", "laptop");
const small = fc.nat(3);
const lifeMs = fc.constantFrom(5, 20, 1_000);

const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("account" as const), name: person, owner: key, record: small }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("disable" as const), name: person, disabled: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant("token" as const), owner: person, actsFor: key, n: small, lifeMs }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("revoke" as const), n: small }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("revokeAll" as const),
      owner: person,
      actsFor: fc.option(key, { nil: undefined }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("device" as const), owner: person, key, id: small }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("removeDevice" as const), owner: person, id: small }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("endpoint" as const), owner: key, lifeMs, n: small }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("deliveryToken" as const),
      owner: key,
      hash: fc.option(person, { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("block" as const), owner: key, sender: key, blocked: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("channel" as const), a: person, b: key, id: small }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      owner: person,
      blob: small,
      offset: fc.constantFrom(0, 0, 3, 6),
      totalSize: fc.constantFrom(6, 6, 9),
      lifeMs,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("complete" as const), owner: person, blob: small, lifeMs }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("giveUp" as const), owner: person, blob: small }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), owner: person }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 10, 60) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** One of the two stores. Its ids of uploads are its own affair. */
class Side {
  store: Store;
  readonly #uploads = new Map<string, number>();

  constructor(store: Store) {
    this.store = store;
  }

  async apply(op: Operation, { nowMs, run }: { nowMs: number; run: number }): Promise<unknown> {
    const { accounts, channels, blobs, log } = this.store;
    const named = (name: string): IdentityKey => identityOf(`${run} ${name}`);
    const upload = (owner: string, blob: number) => ({
      owner: named(owner),
      blobId: named(`blob ${blob}`),
      uploadId: this.#uploads.get(`${owner} ${blob}`) ?? 0,
    });
    switch (op.kind) {
      case "account":
        return accounts.putAccount({
          ...accountNamed(`${run} ${op.name}`, named(op.owner)),
          record: recordOf(`${op.record}`),
          createdAtMs: nowMs,
        });
      case "disable":
        return accounts.setDisabled({ username: `${run} ${op.name}`, disabled: op.disabled });
      case "token": {
        const token = { identity: named(op.owner), actsFor: named(op.actsFor), hash: tokenHash(`${run} ${op.n}`) };
        const times = { createdAtMs: nowMs, expiresAtMs: nowMs + op.lifeMs };
        return accounts.putToken({ token: { ...token, ...times }, tokensMax: 2 });
      }
      case "revoke":
        return accounts.revokeToken(tokenHash(`${run} ${op.n}`));
      case "revokeAll":
        return accounts.revokeTokens({ identity: named(op.owner), actsFor: op.actsFor && named(op.actsFor) });
      case "device": {
        const device = { ...deviceOf(named(op.owner), `${run} ${op.key}`), deviceId: messageIdOf(`${op.id}`) };
        return accounts.putDevice({ device, devicesMax: 2 });
      }
      case "removeDevice":
        return accounts.removeDevice({ identity: named(op.owner), deviceId: messageIdOf(`${op.id}`) });
      case "endpoint": {
        const endpoint = new Uint8Array(op.n).fill(op.n);
        return accounts.putEndpoint({ identity: named(op.owner), endpoint, expiresAtMs: nowMs + op.lifeMs });
      }
      case "deliveryToken":
        return accounts.putDeliveryToken({ identity: named(op.owner), tokenHash: op.hash && named(op.hash) });
      case "block":
        return accounts.setBlocked({
          owner: named(op.owner),
          sender: named(op.sender),
          blocked: op.blocked,
          blocksMax: 2,
        });
      case "channel": {
        const newId = messageIdOf(`${run} ${op.id} ${op.a} ${op.b}`);
        return channels.createChannel({ a: named(op.a), b: named(op.b), newId });
      }
      case "append": {
        const { owner, blob, offset, totalSize } = op;
        const { uploadId: _, ...name } = upload(owner, blob);
        const limits = { expiresAtMs: nowMs + op.lifeMs, quotaBytesMax: 14 };
        const chunk = new Uint8Array(3).fill(offset + blob);
        const appended = await blobs.appendBlob({
          ...name,
          offset,
          totalSize,
          mimeType: `${totalSize}`,
          chunk,
          ...limits,
        });
        return this.#remember(`${owner} ${blob}`, appended);
      }
      case "complete":
        return blobs.completeBlob({ upload: upload(op.owner, op.blob), expiresAtMs: nowMs + op.lifeMs });
      case "giveUp":
        return blobs.removeUpload(upload(op.owner, op.blob));
      case "delete":
        return accounts.deleteAccount(named(op.owner));
      case "sweep":
        while ((await log.sweep(3)) === 3);
        return undefined;
      case "pass":
      case "reopen":
        return undefined;
    }
  }

  /** Everything that can be read. */
  async look(run: number): Promise<unknown> {
    const { accounts, channels, blobs, keys } = this.store;
    const people = ["alice", "bob", "carol"];
    const names = [...people, "phone", "laptop"];
    const owners = names.map((name) => identityOf(`${run} ${name}`));
    const ids = [0, 1, 2, 3];
    const hashes = ids.map((n) => tokenHash(`${run} ${n}`));
    const channelIds = ids.flatMap((n) =>
      people.flatMap((a) => names.map((b) => messageIdOf(`${run} ${n} ${a} ${b}`))),
    );
    const uploads = people.flatMap((owner) =>
      ids.map((n) => ({
        owner: identityOf(`${run} ${owner}`),
        blobId: identityOf(`${run} blob ${n}`),
        uploadId: this.#uploads.get(`${owner} ${n}`) ?? 0,
      })),
    );
    const each = <T, A>(list: readonly T[], ask: (one: T) => Promise<A>) => Promise.all(list.map(ask));
    return await Promise.all([
      each(people, (name) => accounts.accountOf(`${run} ${name}`)),
      each(owners, (owner) => accounts.accountOfIdentity(owner)),
      accounts.listAccounts({ afterUsername: `${run} `, limit: 2 }),
      accounts.findTokens(hashes),
      each(owners, (owner) => accounts.listDevices(owner)),
      each(owners, (owner) => accounts.ownerOfDevice(owner)),
      each(owners, (owner) => accounts.endpointOf(owner)),
      each(owners, (owner) => accounts.deliveryTokenOf(owner)),
      each(owners, (sender) => accounts.areBlocked(owners.map((owner) => ({ owner, sender })))),
      each(channelIds, (id) => channels.membersOf(id)),
      each(uploads, (upload) => blobs.readUpload({ upload, offset: 2, length: 5 })),
      each(ids, (n) => blobs.readBlob({ blobId: identityOf(`${run} blob ${n}`), offset: 0, length: 4 })),
      each(owners, (owner) => blobs.blobBytesOf(owner)),
      keys.getHybridKeys(owners),
    ]);
  }

  #remember(name: string, { uploadId, ...rest }: BlobAppended): unknown {
    if (uploadId !== 0) this.#uploads.set(name, uploadId);
    return { ...rest, isKnown: uploadId !== 0 };
  }
}

export function describeAccountModel(subject: Subject, numRuns: number): void {
  describe(`accounts on ${subject.name} against the reference store`, () => {
    test("any sequence of operations gets the same answers, and leaves the same to be read", async () => {
      await using setup = await Setup.make(subject);
      const reference = createMemoryStore({ limits: defaultLimits, clock: () => setup.nowMs });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 10, maxLength: 60, size: "max" }), async (operations) => {
          run++;
          const sides = [new Side(setup.store), new Side(reference)] as const;
          for (const op of operations) {
            if (op.kind === "pass") setup.nowMs += op.ms;
            if (op.kind === "reopen") await setup.reopen();
            sides[0].store = setup.store;
            const context = { nowMs: setup.nowMs, run };
            assert.deepEqual(await sides[0].apply(op, context), await sides[1].apply(op, context));
          }
          assert.deepEqual(await sides[0].look(run), await sides[1].look(run));
        }),
        { numRuns },
      );
      await reference.close();
    });
  });
}
