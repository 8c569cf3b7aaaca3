/** The parts that hostile messages have in common: targets, capabilities, contents, exceptions. */
import { type PointerBuilder, StructBuilder, StructReader } from "../src/message/index.ts";
import {
  descriptorAt,
  descriptorTag,
  exceptionAt,
  opAt,
  payloadAt,
  promisedAnswerAt,
  targetAt,
  targetTag,
} from "../src/rpc-layout.ts";
import type { Ids } from "./ledger.ts";
import type { Random } from "./random.ts";

/** Of a struct, in words. */
export type Size = { readonly dataWords: number; readonly pointerWords: number };

export const untyped = { name: "untyped", Reader: StructReader, Builder: StructBuilder };

export class HostileParts {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Mostly one of those; now and then one beside them or at the end of the range. */
  id(ids: readonly number[]): number {
    const random = this.#random;
    if (ids.length > 0 && random.chance(93)) return random.pick(ids);
    return random.chance(70) ? random.below(4) : random.interesting();
  }

  exception(parent: StructBuilder, index: number): void {
    const exception = parent.initStruct(index, exceptionAt.dataWords, exceptionAt.pointerWords);
    exception.setUint16(exceptionAt.type, this.#random.below(6));
    if (this.#random.chance(85)) exception.setText(exceptionAt.reason, "r".repeat(this.#random.small(3_000)));
    else exception.setData(exceptionAt.reason, this.#random.bytes(5));
  }

  target(target: StructBuilder, ids: Ids): void {
    const random = this.#random;
    const tag = random.weighted([
      [55, targetTag.importedCap],
      [43, targetTag.promisedAnswer],
      [2, 2],
    ]);
    target.setUint16(targetAt.tag, tag);
    if (tag === targetTag.promisedAnswer) this.#promisedAnswer(target, targetAt.promisedAnswer, ids);
    else target.setUint32(targetAt.importedCap, this.id(ids.theirExports));
  }

  #promisedAnswer(parent: StructBuilder, index: number, ids: Ids): void {
    const random = this.#random;
    const promised = parent.initStruct(index, promisedAnswerAt.dataWords, promisedAnswerAt.pointerWords);
    promised.setUint32(promisedAnswerAt.questionId, this.id(ids.ownQuestions));
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

  payload(payload: StructBuilder, size: Size, ids: Ids): void {
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
    else this.content(content.initStructRaw(used.dataWords, used.pointerWords), used, 0);
    this.capTable(payload, caps, ids);
  }

  capTable(payload: StructBuilder, caps: number, ids: Ids): void {
    if (caps === 0) return;
    const table = payload.initStructList(payloadAt.capTable, caps, { ...untyped, ...descriptorAt });
    for (let n = 0; n < caps; n++) this.descriptor(table.get(n), ids);
  }

  descriptor(descriptor: StructBuilder, ids: Ids): void {
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
    descriptor.setUint32(descriptorAt.id, isTheirs ? this.id(ids.theirExports) : this.#newExport(ids));
  }

  /** An object of the peer: few different ones, so that they are sent again. */
  #newExport(ids: Ids): number {
    return this.#random.chance(50) ? this.id(ids.ownExports) : this.#random.below(6);
  }

  content(struct: StructBuilder, size: Size, nesting: number): void {
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
      this.content(pointer.initStructRaw(1, 2), { dataWords: 1, pointerWords: 2 }, nesting + 1);
    } else if (kind < 93 && nesting < 3) pointer.initCapabilityList(random.small(4));
  }
}
