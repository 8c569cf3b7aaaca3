/**
 * Messages of rpc.capnp as no honest peer sends them: the layout is right, and so are most of the ids, for a message
 * that is wrong in everything is refused at its first field. Every kind, every arm, and arms that do not exist.
 */
import { MessageBuilder, MessageReader, type PointerReader, type StructBuilder } from "../src/message/index.ts";
import {
  bootstrapAt,
  callAt,
  descriptorAt,
  descriptorTag,
  disembargoAt,
  messageSize,
  messageTag,
  payloadAt,
  releaseAt,
  resolveAt,
  returnAt,
  returnTag,
  targetAt,
} from "../src/rpc-layout.ts";
import { HostileParts, type Size, untyped } from "./hostile-parts.ts";
import type { Ids } from "./ledger.ts";
import type { Random } from "./random.ts";

/** A method that the session's objects may have, with the size of its parameters' struct. */
export type KnownMethod = Size & { readonly interfaceId: bigint; readonly ordinal: number };

/** What calls are made from. */
export type CallSources = {
  readonly methods: readonly KnownMethod[];
  /** Messages with calls that were recorded: their parameters are what objects really take. */
  readonly calls: readonly Uint8Array[];
};

export class HostileMessages {
  readonly #random: Random;
  readonly #parts: HostileParts;
  readonly #sources: CallSources;
  /** Of the next question: high, so that numbers of a recording are not met by accident. */
  #nextQuestion = 1_000;

  constructor(random: Random, sources: CallSources) {
    this.#random = random;
    this.#parts = new HostileParts(random);
    this.#sources = sources;
  }

  next(ids: Ids): Uint8Array {
    const builder = new MessageBuilder();
    const root = builder.initRootStruct(messageSize.dataWords, messageSize.pointerWords);
    const write = this.#random.weighted<readonly [number, (root: StructBuilder, ids: Ids) => void]>([
      [40, [messageTag.call, this.#call]],
      [20, [messageTag.return, this.#return]],
      [10, [messageTag.finish, this.#finish]],
      [8, [messageTag.release, this.#release]],
      [8, [messageTag.resolve, this.#resolve]],
      [8, [messageTag.disembargo, this.#disembargo]],
      [4, [messageTag.bootstrap, this.#bootstrap]],
      [1, [this.#random.pick([0, 7, 9, 10, 11, 12, 14, 0xffff]), this.#anything]],
      [2, [messageTag.abort, this.#abort]],
    ]);
    root.setUint16(0, write[0]);
    write[1].call(this, root, ids);
    return builder.toFrame().slice();
  }

  #call(root: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const call = root.initStruct(0, callAt.dataWords, callAt.pointerWords);
    const { calls, methods } = this.#sources;
    const recorded = calls.length > 0 && random.chance(60) ? callIn(random.pick(calls)) : undefined;
    const method = random.pick(methods);
    const { interfaceId, ordinal } = recorded ?? method;
    call.setUint32(callAt.questionId, random.chance(92) ? this.#nextQuestion++ : this.#parts.id(ids.ownQuestions));
    call.setUint16(callAt.methodId, random.chance(96) ? ordinal : random.interesting());
    call.setUint64(callAt.interfaceId, random.chance(96) ? interfaceId : BigInt(random.interesting()));
    const elsewhere = random.pick([2, 3, 0xffff]);
    call.setUint16(
      callAt.sendResultsToTag,
      random.weighted([
        [80, 0],
        [17, 1],
        [3, elsewhere],
      ]),
    );
    this.#parts.target(call.initStruct(callAt.target, targetAt.dataWords, targetAt.pointerWords), ids);
    if (random.chance(2)) return;
    const payload = call.initStruct(callAt.params, payloadAt.dataWords, payloadAt.pointerWords);
    if (recorded === undefined) return this.#parts.payload(payload, method, ids);
    payload.getPointer(payloadAt.content).copyFrom(recorded.params);
    this.#parts.capTable(payload, recorded.capabilities, ids);
  }

  #return(root: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const body = root.initStruct(0, returnAt.dataWords, returnAt.pointerWords);
    body.setUint32(returnAt.answerId, this.#parts.id(ids.theirQuestions));
    body.setBool(returnAt.keepParamCapsBit, random.chance(70));
    const tag = random.weighted([
      [60, returnTag.results],
      [15, returnTag.exception],
      [5, returnTag.canceled],
      [3, returnTag.resultsSentElsewhere],
      [15, returnTag.takeFromOtherQuestion],
      [2, random.pick([5, 6, 0xffff])],
    ]);
    body.setUint16(returnAt.tag, tag);
    if (tag === returnTag.takeFromOtherQuestion) {
      body.setUint32(returnAt.takeFromOtherQuestion, this.#parts.id(ids.ownQuestions));
    } else if (tag === returnTag.exception) this.#parts.exception(body, returnAt.body);
    else if (tag === returnTag.results) {
      const payload = body.initStruct(returnAt.body, payloadAt.dataWords, payloadAt.pointerWords);
      this.#parts.payload(payload, { dataWords: random.below(3), pointerWords: 1 + random.below(3) }, ids);
    }
  }

  #finish(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, 1, 0);
    body.setUint32(0, this.#parts.id(ids.ownQuestions));
    body.setUint32(4, this.#random.below(2));
  }

  #release(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, 1, 0);
    body.setUint32(releaseAt.id, this.#parts.id(ids.theirExports));
    body.setUint32(
      releaseAt.referenceCount,
      this.#random.weighted([
        [70, 1],
        [15, 2],
        [15, this.#random.interesting()],
      ]),
    );
  }

  #resolve(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, 1, 1);
    body.setUint32(resolveAt.promiseId, this.#parts.id(ids.promises));
    const tag = this.#random.weighted([
      [85, 0],
      [12, 1],
      [3, 2],
    ]);
    body.setUint16(resolveAt.tag, tag);
    if (tag === 1) return this.#parts.exception(body, resolveAt.body);
    const descriptor = body.initStruct(resolveAt.body, descriptorAt.dataWords, descriptorAt.pointerWords);
    // to another promise, or in a circle
    if (ids.promises.length > 0 && this.#random.chance(30)) {
      descriptor.setUint16(descriptorAt.tag, descriptorTag.senderPromise);
      descriptor.setUint32(descriptorAt.id, this.#parts.id(ids.promises));
    } else this.#parts.descriptor(descriptor, ids);
  }

  #disembargo(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, disembargoAt.dataWords, disembargoAt.pointerWords);
    const tag = this.#random.weighted([
      [45, 0],
      [45, 1],
      [10, this.#random.pick([2, 3, 4])],
    ]);
    body.setUint16(disembargoAt.tag, tag);
    body.setUint32(disembargoAt.embargoId, tag === 1 ? this.#parts.id(ids.embargoes) : this.#random.below(4));
    this.#parts.target(body.initStruct(disembargoAt.target, targetAt.dataWords, targetAt.pointerWords), ids);
  }

  #bootstrap(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, bootstrapAt.dataWords, bootstrapAt.pointerWords);
    body.setUint32(
      bootstrapAt.questionId,
      this.#random.chance(90) ? this.#nextQuestion++ : this.#parts.id(ids.ownQuestions),
    );
  }

  #anything(root: StructBuilder): void {
    const size = { dataWords: 1 + this.#random.below(3), pointerWords: 2 };
    this.#parts.content(root.initStruct(0, size.dataWords, size.pointerWords), size, 0);
  }

  #abort(root: StructBuilder): void {
    this.#parts.exception(root, 0);
  }
}

type RecordedCall = Omit<KnownMethod, keyof Size> & { readonly params: PointerReader; readonly capabilities: number };

function callIn(frame: Uint8Array): RecordedCall {
  const message = MessageReader.parse(frame);
  const call = message.rootStruct.getStruct(0);
  const payload = call.getStruct(callAt.params);
  const capabilities = payload.getStructList(payloadAt.capTable, untyped).length;
  message.capTable = Array.from({ length: capabilities }, () => "some");
  return {
    interfaceId: call.getUint64(callAt.interfaceId),
    ordinal: call.getUint16(callAt.methodId),
    params: payload.getPointer(payloadAt.content),
    capabilities,
  };
}
