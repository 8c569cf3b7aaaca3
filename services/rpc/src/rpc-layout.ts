/**
 * Where rpc.capnp's fields stand: byte offsets in the data section, indexes in the pointer section, union tags.
 * Written by hand because a session touches few of them and each on its hot path; taken from what `capnp compile
 * -ocapnp rpc.capnp` prints (Cap'n Proto 0.9.2; noFinishNeeded is of 1.0). The interop tests hold it against the C++ implementation.
 */

/** Tag of struct Message, UInt16 at byte 0; the message itself is pointer 0. */
export const messageTag = {
  unimplemented: 0,
  abort: 1,
  call: 2,
  return: 3,
  finish: 4,
  resolve: 5,
  release: 6,
  bootstrap: 8,
  disembargo: 13,
} as const;
export const messageSize = { dataWords: 1, pointerWords: 1 } as const;

export const bootstrapAt = { dataWords: 1, pointerWords: 1, questionId: 0 } as const;

export const callAt = {
  dataWords: 3,
  pointerWords: 3,
  questionId: 0,
  methodId: 4,
  sendResultsToTag: 6,
  interfaceId: 8,
  target: 0,
  params: 1,
} as const;
export const sendResultsTo = { caller: 0, yourself: 1 } as const;

export const returnAt = {
  dataWords: 2,
  pointerWords: 1,
  answerId: 0,
  /** Bit offset; stored inverted, as its default is true. */
  keepParamCapsBit: 32,
  noFinishNeededBit: 33,
  tag: 6,
  takeFromOtherQuestion: 8,
  body: 0,
} as const;
export const returnTag = {
  results: 0,
  exception: 1,
  canceled: 2,
  resultsSentElsewhere: 3,
  takeFromOtherQuestion: 4,
} as const;

/** One data word, no pointer; the question's id comes first. */
export const finishAt = {
  questionId: 0,
  /** Bit offset; stored inverted, as its default is true. */
  keepResultCapsBit: 32,
} as const;

export const resolveAt = { promiseId: 0, tag: 4, body: 0 } as const;
export const resolveTag = { cap: 0, exception: 1 } as const;

/** One data word, no pointer; the id comes first. */
export const releaseAt = { id: 0, referenceCount: 4 } as const;

export const disembargoAt = { dataWords: 1, pointerWords: 1, embargoId: 0, tag: 4, target: 0 } as const;
export const disembargoTag = { senderLoopback: 0, receiverLoopback: 1 } as const;

export const targetAt = { dataWords: 1, pointerWords: 1, importedCap: 0, tag: 4, promisedAnswer: 0 } as const;
export const targetTag = { importedCap: 0, promisedAnswer: 1 } as const;

export const payloadAt = { dataWords: 0, pointerWords: 2, content: 0, capTable: 1 } as const;

export const descriptorAt = { dataWords: 1, pointerWords: 1, tag: 0, id: 4, body: 0 } as const;
export const descriptorTag = {
  none: 0,
  senderHosted: 1,
  senderPromise: 2,
  receiverHosted: 3,
  receiverAnswer: 4,
  thirdPartyHosted: 5,
} as const;
/** ThirdPartyCapDescriptor.vineId: a level 1 session calls the vine as if it were the capability. */
export const thirdPartyAt = { vineId: 0 } as const;

export const promisedAnswerAt = { dataWords: 1, pointerWords: 1, questionId: 0, transform: 0 } as const;
export const opAt = { dataWords: 1, pointerWords: 0, tag: 0, pointerField: 2 } as const;
export const opTag = { noop: 0, getPointerField: 1 } as const;

export const exceptionAt = { dataWords: 1, pointerWords: 2, reason: 0, type: 4 } as const;
