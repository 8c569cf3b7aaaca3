/** The Cap'n Proto message runtime: frames, reading with limits, building in place. No I/O, nothing Node specific. */
export type { PrimitiveKind, PrimitiveOf } from "./element-size.ts";
export { float32Bits, float32OfBits, float64Bits, float64OfBits } from "./float-bits.ts";
export { FrameReader } from "./frame.ts";
export { defaultMessageLimits, type MessageLimits } from "./limits.ts";
export { type PointerListBuilder, type PrimitiveListBuilder, StructListBuilder } from "./list-builder.ts";
export { type ListReader, type PrimitiveListReader, StructListReader } from "./list-reader.ts";
export { MessageBuilder, type MessageBuilderOptions } from "./message-builder.ts";
export { MessageError, type MessageErrorCode } from "./message-error.ts";
export { MessageReader } from "./message-reader.ts";
export { type AnyListBuilder, PointerBuilder, StructBuilder } from "./struct-builder.ts";
export { PointerReader, StructReader } from "./struct-reader.ts";
export type { Method, ReaderType, StructType } from "./struct-type.ts";
