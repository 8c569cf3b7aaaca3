/** What the code generator writes about each struct and method; the runtime makes readers and builders from it. */
import type { ReaderConstructor } from "./arena.ts";
import type { BuilderConstructor } from "./builder-arena.ts";

/** What is enough to read. */
export type ReaderType<R> = { readonly Reader: ReaderConstructor<R> };

export type StructType<R, B> = {
  /** As in the schema file, e.g. `Gap` or `NodeService.enqueue$Params`. */
  readonly name: string;
  readonly dataWords: number;
  readonly pointerWords: number;
  readonly Reader: ReaderConstructor<R>;
  readonly Builder: BuilderConstructor<B>;
};

/** PR, PB: reader and builder of the parameters; RR, RB: of the results. */
export type Method<PR, PB, RR, RB> = {
  /** Of the interface that declares the method: an inherited method keeps its own. */
  readonly interfaceId: bigint;
  readonly ordinal: number;
  readonly name: string;
  readonly params: StructType<PR, PB>;
  readonly results: StructType<RR, RB>;
};
