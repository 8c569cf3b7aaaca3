/** The one error of the message runtime: a message that cannot be read, or one that would grow too large. */

/**
 * | code | meaning |
 * |---|---|
 * | truncated | the bytes end before the message does |
 * | tooManySegments, tooLarge, tooDeep, amplification (also: too many pointers) | a limit of {@link MessageLimits} was met |
 * | outOfBounds | a pointer leads out of its segment, or bytes stand behind the message |
 * | badPointer | a pointer of an impossible or an unexpected kind |
 * | badList | a list whose elements do not fit its header, or not the type it is read as |
 * | badText | text without its final zero byte, or not UTF-8 |
 * | wrongArm | a union's arm was read that is not the one set |
 */
export type MessageErrorCode =
  | "truncated"
  | "tooManySegments"
  | "tooLarge"
  | "outOfBounds"
  | "badPointer"
  | "tooDeep"
  | "amplification"
  | "badText"
  | "badList"
  | "wrongArm";

export class MessageError extends Error {
  readonly code: MessageErrorCode;

  constructor(code: MessageErrorCode, text: string) {
    super(text);
    this.name = "MessageError";
    this.code = code;
  }
}
