/** Sessions of honest clients that ask all the time and note how long they wait for an answer. */
import { closeCodes, type Connection } from "../../src/port.ts";
import { dialQuic } from "../../src/quic/index.ts";
import { trusted } from "../quic-pair.ts";

const message = new Uint8Array(200).fill(7);
/** Between an answer and the next question: a session that is used, not one that loads the machine. */
const pauseMs = 20;

export class HonestCrowd implements Disposable {
  readonly #sessions: readonly HonestSession[];

  private constructor(sessions: readonly HonestSession[]) {
    this.#sessions = sessions;
  }

  static async connect(port: number, count: number): Promise<HonestCrowd> {
    return new HonestCrowd(await Promise.all(Array.from({ length: count }, () => HonestSession.connect(port))));
  }

  /** Why each session that is gone is gone. */
  get lost(): readonly string[] {
    return this.#sessions.flatMap(({ lost }) => lost ?? []);
  }

  /** Of all sessions since the last call; a question that is not answered yet counts with its wait so far. */
  takeWorstMs(): number {
    return Math.max(...this.#sessions.map((session) => session.takeWorstMs()));
  }

  /** Of each session since the last call. */
  takeAnswers(): readonly number[] {
    return this.#sessions.map((session) => {
      const { answers } = session;
      session.answers = 0;
      return answers;
    });
  }

  /** Resolves when each session has been answered once more, or is lost. */
  async nextAnswers(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.nextAnswer()));
  }

  [Symbol.dispose](): void {
    for (const session of this.#sessions) session.leave();
  }
}

class HonestSession {
  readonly #connection: Connection;
  readonly #ask: () => void;
  #askedAtMs = performance.now();
  #missingBytes = message.length;
  #worstMs = 0;
  #pause: NodeJS.Timeout | undefined;
  #next = Promise.withResolvers<void>();
  lost: string | undefined;
  answers = 0;

  private constructor(connection: Connection) {
    this.#connection = connection;
    const stream = connection.openStream();
    stream.onData = (chunk) => this.#onAnswer(chunk.length);
    connection.onClose = ({ reason }) => {
      this.lost = reason;
      this.#next.resolve();
    };
    this.#ask = () => {
      this.#askedAtMs = performance.now();
      this.#missingBytes = message.length;
      stream.write(message);
    };
    this.#ask();
  }

  static async connect(port: number): Promise<HonestSession> {
    const trust = { caCertificate: trusted.certificate };
    return new HonestSession(
      await dialQuic({ host: "127.0.0.1", port, serverName: "localhost", alpn: ["test"], trust }),
    );
  }

  takeWorstMs(): number {
    const waitingMs = this.#missingBytes > 0 ? performance.now() - this.#askedAtMs : 0;
    const worstMs = Math.max(this.#worstMs, waitingMs);
    this.#worstMs = 0;
    return worstMs;
  }

  nextAnswer(): Promise<void> {
    return this.#next.promise;
  }

  leave(): void {
    clearTimeout(this.#pause);
    this.#connection.close(closeCodes.done, "enough asked");
  }

  #onAnswer(bytes: number): void {
    this.#missingBytes -= bytes;
    if (this.#missingBytes > 0) return;
    this.answers += 1;
    this.#worstMs = Math.max(this.#worstMs, performance.now() - this.#askedAtMs);
    this.#next.resolve();
    this.#next = Promise.withResolvers();
    this.#pause = setTimeout(this.#ask, pauseMs);
  }
}
