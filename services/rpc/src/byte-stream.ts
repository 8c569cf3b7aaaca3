/**
 * What a session needs of a network: one ordered, reliable byte stream in both directions. quicproquo-transport's
 * ByteStream is one; so is anything with these members, which keeps this package free of sockets.
 *
 * Promises the stream must keep: callbacks are not called from inside `write` or `end`; a chunk handed to `onData`
 * belongs to the session and is not written again; `onClose` comes once, last. The session sets the four callbacks.
 */
export interface RpcByteStream {
  /** False = kept, but wait for `onDrain`. The stream may keep the chunk; the session does not change it afterwards. */
  write(chunk: Uint8Array): boolean;
  end(): void;
  /** Both directions at once, with an application code; asked for only when a peer goes on sending after an Abort. */
  reset?(code: number): void;
  pause(): void;
  resume(): void;
  onData: ((chunk: Uint8Array) => void) | undefined;
  onEnd: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  /** `never`, so that a stream with any narrower error type fits; the session reads the message of an Error. */
  onClose: ((error: never) => void) | undefined;
}
