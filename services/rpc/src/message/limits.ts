/** Limits of one message. They hold for what arrives and, where it applies (messageBytesMax), for what is built. */

export type MessageLimits = {
  /** Segments of one message. */
  readonly segmentsMax: number;
  /** One message with its segment table, in bytes. */
  readonly messageBytesMax: number;
  /** Structs and lists of structs or pointers inside one another. */
  readonly nestingMax: number;
  /** Words a reader may visit, as a multiple of the message's own: pointers may share their target. */
  readonly amplificationMax: number;
  /** Pointers of one message, null ones too: each costs 15 ns before anybody reads, and 8 bytes on the wire. */
  readonly pointersMax: number;
};

export const defaultMessageLimits = {
  segmentsMax: 512, // what the C++ reference allows
  messageBytesMax: 8 << 20, // the largest payload (5 MiB) and the largest answer (7 MiB) fit
  nestingMax: 64, // what the C++ reference allows
  amplificationMax: 4, // honest messages visit each word once; 4 leaves room for shared targets
  pointersMax: 1 << 16, // 1 ms of looking; without it 8 MiB of pointers took 20
} as const satisfies MessageLimits;
