/** Lists beyond their limit are refused by their length, before anything is made for their elements. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits, methodCodecs, sessionCodecs, sinkCodecs } from "quicproquo-proto";
import { MessageBuilder, MessageReader } from "quicproquo-rpc/message";

const recipientsMax = limits.batchRecipientsMax.max;
const envelopesMax = limits.fetchMessagesMax.max;

/** A message whose pointer `pointerIndex` is a list of `count` elements of the kind; the rest is null. */
function withList(pointerIndex: number, kind: "data" | "uint64" | "structs", count: number): MessageReader {
  const message = new MessageBuilder();
  const list = message.initRootStruct(0, 8).getPointer(pointerIndex);
  if (kind === "data") list.initDataList(count);
  else if (kind === "uint64") list.initPrimitiveList(count, "uint64");
  else list.initStructList(count, oneWord);
  return MessageReader.parse(message.toFrame());
}

const oneWord = { ...methodCodecs.ack.method.results, name: "OneWord", dataWords: 1 };

test("batchEnqueue reads as many recipients as the protocol allows, and no more", () => {
  const { method, decodeParams, decodeResults } = methodCodecs.batchEnqueue;
  const params = (count: number) => decodeParams(withList(0, "data", count).root(method.params));
  assert.equal(params(recipientsMax).recipientKeys.length, recipientsMax);
  assert.throws(() => params(recipientsMax + 1), { code: "E016_TOO_MANY_RECIPIENTS" });
  const results = (count: number) => decodeResults(withList(0, "uint64", count).root(method.results));
  assert.equal(results(recipientsMax).seqs.length, recipientsMax);
  assert.throws(() => results(recipientsMax + 1), { code: "E016_TOO_MANY_RECIPIENTS" });
});

test("fetchHybridKeys reads as many identities as the protocol allows, and no more", () => {
  const { method, decodeParams, decodeResults } = methodCodecs.fetchHybridKeys;
  const params = (count: number) => decodeParams(withList(0, "data", count).root(method.params));
  assert.equal(params(limits.hybridKeysMax.max).identityKeys.length, limits.hybridKeysMax.max);
  assert.throws(() => params(limits.hybridKeysMax.max + 1), { code: "E016_TOO_MANY_RECIPIENTS" });
  for (const list of [0, 1]) {
    const message = withList(list, "data", limits.hybridKeysMax.max + 1);
    assert.throws(() => decodeResults(message.root(method.results)), { code: "E016_TOO_MANY_RECIPIENTS" });
  }
});

for (const name of ["fetch", "fetchWait", "peek"] as const) {
  test(`${name} answers are read up to the most messages a server may answer`, () => {
    const { method, decodeResults } = methodCodecs[name];
    const results = (count: number) => decodeResults(withList(0, "structs", count).root(method.results));
    assert.equal(results(envelopesMax).payloads.length, envelopesMax);
    assert.throws(() => results(envelopesMax + 1), { code: "E001_BAD_REQUEST" });
  });
}

test("submitCommit, send, deliver and listDevices have limits as well", () => {
  const entries = withList(1, "structs", recipientsMax + 1);
  const { submitCommit } = methodCodecs;
  const { listDevices } = methodCodecs;
  assert.throws(() => submitCommit.decodeParams(entries.root(submitCommit.method.params)), {
    code: "E016_TOO_MANY_RECIPIENTS",
  });
  const { send } = sessionCodecs;
  assert.throws(() => send.decodeParams(withList(0, "structs", recipientsMax + 1).root(send.method.params)), {
    code: "E016_TOO_MANY_RECIPIENTS",
  });
  const { deliver } = sinkCodecs;
  assert.throws(() => deliver.decodeParams(withList(0, "structs", envelopesMax + 1).root(deliver.method.params)), {
    code: "E001_BAD_REQUEST",
  });
  assert.throws(() => listDevices.decodeResults(withList(0, "structs", 101).root(listDevices.method.results)), {
    code: "E001_BAD_REQUEST",
  });
});

test("a gap of a kind that only a newer peer knows reads as overflow", () => {
  const message = new MessageBuilder();
  message.initRootStruct(0, 2).initStruct(1, 3, 0).setUint16(0, 4);
  const { method, decodeResults } = methodCodecs.peek;
  assert.equal(decodeResults(MessageReader.parse(message.toFrame()).root(method.results)).gap.kind, "overflow");
});
