/**
 * A relay between one client and the server that can hold back what the server sends, so that a test decides which of
 * two crossing messages arrives first. Datagrams keep their order and none is lost.
 */
import { SeededRelay } from "quicproquo-transport/testing";

// below the size of an acknowledgement-only packet: what is larger carries an answer
const answerBytesMin = 80;
// as small as a call or a cancel can be; acknowledgements are smaller
const requestBytesMin = 60;

export class DelayingRelay implements AsyncDisposable {
  readonly #relay: SeededRelay;
  #isHolding = false;
  #answersHeld = 0;
  #requestsSinceHold = 0;
  #onHeld: (() => void) | undefined;
  #onRequest: (() => void) | undefined;

  private constructor(relay: SeededRelay) {
    this.#relay = relay;
    relay.toServer = (datagram) => {
      if (this.#isHolding && datagram.length >= requestBytesMin) {
        this.#requestsSinceHold += 1;
        this.#onRequest?.();
      }
      return [datagram];
    };
    relay.toClient = (datagram) => {
      if (this.#isHolding && datagram.length >= answerBytesMin) {
        this.#answersHeld += 1;
        this.#onHeld?.();
      }
      return [datagram];
    };
  }

  static async start(serverPort: number): Promise<DelayingRelay> {
    return new DelayingRelay(await SeededRelay.open({ port: serverPort }));
  }

  get port(): number {
    return this.#relay.port;
  }

  holdAnswers(): void {
    this.#relay.hold();
    this.#isHolding = true;
    this.#answersHeld = 0;
    this.#requestsSinceHold = 0;
  }

  /** Resolves when an answer stands here. */
  answerHeld(): Promise<void> {
    if (this.#answersHeld > 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onHeld = resolve;
    });
  }

  /** Resolves when the second message of the client since the hold has gone through: the request, then the cancel. */
  requestPassed(): Promise<void> {
    if (this.#requestsSinceHold >= 2) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onRequest = () => {
        if (this.#requestsSinceHold >= 2) resolve();
      };
    });
  }

  releaseAnswers(): void {
    this.#isHolding = false;
    this.#relay.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
  }
}
