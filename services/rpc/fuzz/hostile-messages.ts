/**
 * Messages of rpc.capnp as no honest peer sends them: the layout is right, and so are most of the ids, for a message
 * that is wrong in everything is refused at its first field. Every kind, every arm, and arms that do not exist.
 */
import {
  MessageBuilder,
  MessageReader,
  type PointerBuilder,
  type PointerReader,
  StructBuilder,
  StructReader,
} from "../src/message/index.ts";
import {
  bootstrapAt,
  callAt,
  descriptorAt,
  descriptorTag,
  disembargoAt,
  exceptionAt,
  messageSize,
  messageTag,
  opAt,
  payloadAt,
  promisedAnswerAt,
  releaseAt,
  resolveAt,
  returnAt,
  returnTag,
  targetAt,
  targetTag,
} from "../src/rpc-layout.ts";
import type { Ids } from "./ledger.ts";
import type { Random } from "./random.ts";

/** A method that the session's objects may have, with the size of its parameters' struct. */
export type KnownMethod = {
  readonly interfaceId: bigint;
  readonly ordinal: number;
  readonly dataWords: number;
  readonly pointerWords: number;
};

type Size = { readonly dataWords: number; readonly pointerWords: number };

/** What calls are made from. */
export type CallSources = {
  readonly methods: readonly KnownMethod[];
  /** Messages with calls that were recorded: their parameters are what objects really take. */
  readonly calls: readonly Uint8Array[];
};

export class HostileMessages {
  readonly #random: Random;
  readonly #sources: CallSources;
  /** Of the next question: high, so that numbers of a recording are not met by accident. */
  #nextQuestion = 1_000;

  constructor(random: Random, sources: CallSources) {
    this.#random = random;
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
    call.setUint32(callAt.questionId, random.chance(92) ? this.#nextQuestion++ : this.#id(ids.ownQuestions));
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
    this.#target(call.initStruct(callAt.target, targetAt.dataWords, targetAt.pointerWords), ids);
    if (random.chance(2)) return;
    const payload = call.initStruct(callAt.params, payloadAt.dataWords, payloadAt.pointerWords);
    if (recorded === undefined) return this.#payload(payload, method, ids);
    payload.getPointer(payloadAt.content).copyFrom(recorded.params);
    this.#capTable(payload, recorded.capabilities, ids);
  }

  #return(root: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const body = root.initStruct(0, returnAt.dataWords, returnAt.pointerWords);
    body.setUint32(returnAt.answerId, this.#id(ids.theirQuestions));
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
      body.setUint32(returnAt.takeFromOtherQuestion, this.#id(ids.ownQuestions));
    } else if (tag === returnTag.exception) this.#exception(body, returnAt.body);
    else if (tag === returnTag.results) {
      const payload = body.initStruct(returnAt.body, payloadAt.dataWords, payloadAt.pointerWords);
      this.#payload(payload, { dataWords: random.below(3), pointerWords: 1 + random.below(3) }, ids);
    }
  }

  #finish(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, 1, 0);
    body.setUint32(0, this.#id(ids.ownQuestions));
    body.setUint32(4, this.#random.below(2));
  }

  #release(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, 1, 0);
    body.setUint32(releaseAt.id, this.#id(ids.theirExports));
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
    body.setUint32(resolveAt.promiseId, this.#id(ids.promises));
    const tag = this.#random.weighted([
      [85, 0],
      [12, 1],
      [3, 2],
    ]);
    body.setUint16(resolveAt.tag, tag);
    if (tag === 1) return this.#exception(body, resolveAt.body);
    const descriptor = body.initStruct(resolveAt.body, descriptorAt.dataWords, descriptorAt.pointerWords);
    // to another promise, or in a circle
    if (ids.promises.length > 0 && this.#random.chance(30)) {
      descriptor.setUint16(descriptorAt.tag, descriptorTag.senderPromise);
      descriptor.setUint32(descriptorAt.id, this.#id(ids.promises));
    } else this.#descriptor(descriptor, ids);
  }

  #disembargo(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, disembargoAt.dataWords, disembargoAt.pointerWords);
    const tag = this.#random.weighted([
      [45, 0],
      [45, 1],
      [10, this.#random.pick([2, 3, 4])],
    ]);
    body.setUint16(disembargoAt.tag, tag);
    body.setUint32(disembargoAt.embargoId, tag === 1 ? this.#id(ids.embargoes) : this.#random.below(4));
    this.#target(body.initStruct(disembargoAt.target, targetAt.dataWords, targetAt.pointerWords), ids);
  }

  #bootstrap(root: StructBuilder, ids: Ids): void {
    const body = root.initStruct(0, bootstrapAt.dataWords, bootstrapAt.pointerWords);
    body.setUint32(bootstrapAt.questionId, this.#random.chance(90) ? this.#nextQuestion++ : this.#id(ids.ownQuestions));
  }

  #anything(root: StructBuilder): void {
    const size = { dataWords: 1 + this.#random.below(3), pointerWords: 2 };
    this.#content(root.initStruct(0, size.dataWords, size.pointerWords), size, 0);
  }

  #abort(root: StructBuilder): void {
    this.#exception(root, 0);
  }

  #exception(parent: StructBuilder, index: number): void {
    const exception = parent.initStruct(index, exceptionAt.dataWords, exceptionAt.pointerWords);
    exception.setUint16(exceptionAt.type, this.#random.below(6));
    if (this.#random.chance(85)) exception.setText(exceptionAt.reason, "r".repeat(this.#random.small(3_000)));
    else exception.setData(exceptionAt.reason, this.#random.bytes(5));
  }

  #target(target: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const tag = random.weighted([
      [55, targetTag.importedCap],
      [43, targetTag.promisedAnswer],
      [2, 2],
    ]);
    target.setUint16(targetAt.tag, tag);
    if (tag === targetTag.promisedAnswer) this.#promisedAnswer(target, targetAt.promisedAnswer, ids);
    else target.setUint32(targetAt.importedCap, this.#id(ids.theirExports));
  }

  #promisedAnswer(parent: StructBuilder, index: number, ids: Ids): void {
    const random = this.#random;
    const promised = parent.initStruct(index, promisedAnswerAt.dataWords, promisedAnswerAt.pointerWords);
    promised.setUint32(promisedAnswerAt.questionId, this.#id(ids.ownQuestions));
    const depth = random.weighted([
      [25, 0],
      [65, 1],
      [8, 2],
      [2, random.pick([16, 17, 40])],
    ]);
    if (depth === 0) return;
    const ops = promised.initStructList(promisedAnswerAt.transform, depth, { ...untyped, ...opAt });
    for (let n = 0; n < depth; n++) {
      ops.get(n).setUint16(
        opAt.tag,
        random.weighted([
          [90, 1],
          [8, 0],
          [2, 2],
        ]),
      );
      ops.get(n).setUint16(opAt.pointerField, random.small(4));
    }
  }

  #payload(payload: StructBuilder, size: Size, ids: Ids): void {
    const random = this.#random;
    const content = payload.getPointer(payloadAt.content);
    const used = random.chance(90) ? size : { dataWords: random.below(5), pointerWords: random.below(5) };
    const caps = random.weighted([
      [40, 1],
      [35, 0],
      [15, 2],
      [8, 3],
      [2, random.pick([64, 1_024, 1_025])],
    ]);
    if (random.chance(6)) this.#pointer(content, 0);
    else this.#content(content.initStructRaw(used.dataWords, used.pointerWords), used, 0);
    this.#capTable(payload, caps, ids);
  }

  #capTable(payload: StructBuilder, caps: number, ids: Ids): void {
    if (caps === 0) return;
    const table = payload.initStructList(payloadAt.capTable, caps, { ...untyped, ...descriptorAt });
    for (let n = 0; n < caps; n++) this.#descriptor(table.get(n), ids);
  }

  #descriptor(descriptor: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const kind = random.weighted([
      [5, descriptorTag.none],
      [30, descriptorTag.senderHosted],
      [22, descriptorTag.senderPromise],
      [20, descriptorTag.receiverHosted],
      [16, descriptorTag.receiverAnswer],
      [5, descriptorTag.thirdPartyHosted],
      [2, 6],
    ]);
    descriptor.setUint16(descriptorAt.tag, kind);
    if (kind === descriptorTag.receiverAnswer) return this.#promisedAnswer(descriptor, descriptorAt.body, ids);
    if (kind === descriptorTag.thirdPartyHosted) {
      return descriptor.initStruct(descriptorAt.body, 1, 1).setUint32(0, this.#newExport(ids));
    }
    const isTheirs = kind === descriptorTag.receiverHosted;
    descriptor.setUint32(descriptorAt.id, isTheirs ? this.#id(ids.theirExports) : this.#newExport(ids));
  }

  /** An object of the peer: few different ones, so that they are sent again. */
  #newExport(ids: Ids): number {
    return this.#random.chance(50) ? this.#id(ids.ownExports) : this.#random.below(6);
  }

  #content(struct: StructBuilder, size: Size, nesting: number): void {
    for (let word = 0; word < size.dataWords; word++) struct.setUint32(word * 8, this.#random.small(20));
    for (let index = 0; index < size.pointerWords; index++) this.#pointer(struct.getPointer(index), nesting);
  }

  #pointer(pointer: PointerBuilder, nesting: number): void {
    const random = this.#random;
    const kind = random.below(100);
    // an index beyond the table comes as well: the builder's own table counts on, whatever descriptors there are
    if (kind < 45) pointer.setCapability("some");
    else if (kind < 65) pointer.setText("t".repeat(random.small(40)));
    else if (kind < 75) pointer.setData(random.bytes(random.small(200)));
    else if (kind < 80) pointer.initPrimitiveList(random.small(50), random.pick(["void", "bool", "uint32", "uint64"]));
    else if (kind < 90 && nesting < 3) {
      this.#content(pointer.initStructRaw(1, 2), { dataWords: 1, pointerWords: 2 }, nesting + 1);
    } else if (kind < 93 && nesting < 3) pointer.initCapabilityList(random.small(4));
  }

  /** Mostly one of those; now and then one beside them or at the end of the range. */
  #id(ids: readonly number[]): number {
    const random = this.#random;
    if (ids.length > 0 && random.chance(93)) return random.pick(ids);
    return random.chance(70) ? random.below(4) : random.interesting();
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

const untyped = { name: "untyped", Reader: StructReader, Builder: StructBuilder };
