/**
 * How a secret looks when somebody prints it: always the same word. It keeps secrets out of logs and error texts by
 * accident-proofing the objects that hold them; it does not protect the memory of the process.
 */

/** What a secret prints as, in console.log, template strings and JSON. */
export const secretText = "[secret]";

/** Node's hook for console.log; spelled out so that this file needs nothing of Node. */
export const inspectSymbol: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** Symmetric key bytes of fixed length. Only `reveal` gives them out; `wipe` ends them. */
export class SecretBytes {
  readonly #bytes: Uint8Array;

  /** Copies: the caller may wipe its own. */
  constructor(bytes: Uint8Array) {
    this.#bytes = Uint8Array.from(bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** A copy that the caller owns and wipes. */
  reveal(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  /** Overwrites the bytes with zeros. */
  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return secretText;
  }

  toJSON(): string {
    return secretText;
  }

  [inspectSymbol](): string {
    return secretText;
  }
}
