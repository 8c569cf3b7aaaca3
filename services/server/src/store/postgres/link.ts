/**
 * One connection that is kept: made anew by itself whenever it is lost, with one statement at a time.
 *
 *     connecting -> connected -> (lost) -> connecting -> ...
 *         \-- for longer than unavailableMsMax: refusing, and still connecting
 *
 * A statement waits for a connection while it is `connecting`, and is rejected at once while it is `refusing`. A
 * statement whose connection is lost may have been committed; nothing is repeated here. None is ever cancelled: one that
 * gets no answer for stallMs is asked after on a connection of its own, and only if its server is gone, or has long
 * finished it, its connection is given up.
 */
import { QpqError } from "quicproquo-proto";
import type { Connector, Row, Session, Statement, Value } from "./connector.ts";
import { failureOf, isRefusedForNow, type StatementFailure, unavailable } from "./failure.ts";

export type LinkLimits = {
  /** How long a statement waits for a lost database before it is rejected. */
  readonly unavailableMsMax: number;
  /** After so long without an answer the server is asked whether it is still at it. */
  readonly stallMs: number;
};

/** Between two tries to connect: from, up to, doubling, each shortened by up to a half so that front-ends spread. */
const backoffMsMin = 50;
const backoffMsMax = 2_000;

/** What the server does for that connection; it is the same user's, so it may be seen. */
const askAfter = "SELECT state FROM pg_stat_activity WHERE pid = ";

export class Link {
  readonly #connector: Connector;
  readonly #limits: LinkLimits;
  readonly #firstTry = Promise.withResolvers<void>();
  #session: Session | undefined;
  #connected = Promise.withResolvers<Session>();
  #refusal: QpqError | undefined;
  #refuseTimer: ReturnType<typeof setTimeout> | undefined;
  #endPause: (() => void) | undefined;
  #isClosed = false;
  #losses = 0;

  constructor(connector: Connector, limits: LinkLimits) {
    this.#connector = connector;
    this.#limits = limits;
    this.#firstTry.promise.catch(() => undefined);
    this.#seek();
  }

  /** Resolves or rejects with the first try to connect. */
  get firstTry(): Promise<void> {
    return this.#firstTry.promise;
  }

  get isConnected(): boolean {
    return this.#session !== undefined;
  }

  /** Connections lost so far. */
  get losses(): number {
    return this.#losses;
  }

  /** Throws StatementFailure; and QpqError when there is no connection. One at a time. */
  async query(statement: Statement, values: readonly Value[]): Promise<Row[]> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const session = this.#session ?? (await this.#connected.promise);
    const { warnings } = session;
    const watch = this.#watch(session);
    try {
      const rows = await session.query(statement, values);
      this.#connector.heard();
      if (session.warnings === warnings) return rows;
      throw new Error("the server warned: the commit may not have reached the synchronous standby");
    } catch (error) {
      const failure: StatementFailure = failureOf(error);
      if (failure.endsConnection) this.#lose(session);
      throw failure;
    } finally {
      watch[Symbol.dispose]();
    }
  }

  /** Nothing may be under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#endPause?.();
    this.#refuse(unavailable("the store is closed"));
    await this.#session?.end();
  }

  #seek(): void {
    this.#hope();
    void this.#try(backoffMsMin); // it never rejects
  }

  /** Statements wait from now on. */
  #hope(): void {
    this.#refusal = undefined;
    this.#connected = Promise.withResolvers();
    // nobody may be waiting for it
    this.#connected.promise.catch(() => undefined);
    this.#refuseTimer = setTimeout(() => this.#refuseForNow(), this.#limits.unavailableMsMax);
  }

  /** Until another one has found the database: then this one will have it in a moment. */
  #refuseForNow(): void {
    const refusal = unavailable(undefined);
    this.#refuse(refusal);
    void this.#connector.connected.then(() => {
      if (this.#refusal === refusal && !this.#isClosed) this.#hope();
    });
  }

  async #try(backoffMs: number): Promise<void> {
    try {
      const session = await this.#connector.connect();
      if (this.#isClosed) return session.destroy();
      this.#session = session;
      session.onLost(() => this.#lose(session));
      clearTimeout(this.#refuseTimer);
      this.#refusal = undefined;
      this.#connected.resolve(session);
      this.#firstTry.resolve();
    } catch (error) {
      this.#firstTry.reject(error);
      if (this.#isClosed) return;
      // a wrong schema or setting does not mend itself in a moment: no caller needs to wait
      if (error instanceof QpqError && error.code !== "E020_STORE_UNAVAILABLE") this.#refuse(error);
      await this.#pause(backoffMs * (1 - Math.random() / 2));
      if (!this.#isClosed) void this.#try(Math.min(backoffMs * 2, backoffMsMax));
    }
  }

  /** Until the time is over, the link is closed, or another one has found the database. */
  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    this.#endPause = over.resolve;
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([over.promise, this.#connector.connected]);
    clearTimeout(timer);
  }

  #refuse(error: QpqError): void {
    clearTimeout(this.#refuseTimer);
    this.#refusal = error;
    this.#connected.reject(error);
  }

  #lose(session: Session): void {
    session.destroy();
    if (this.#session !== session || this.#isClosed) return;
    this.#losses++;
    this.#session = undefined;
    this.#seek();
  }

  /** Asks after a statement that gets no answer, again and again, one question at a time. */
  #watch(session: Session): Disposable {
    const { stallMs } = this.#limits;
    let isOver = false;
    let timer = setTimeout(look, stallMs);
    const isLost = () => this.#isLost(session);
    async function look(): Promise<void> {
      const isGivenUp = await isLost();
      // answered meanwhile
      if (isOver) return;
      if (isGivenUp) session.destroy();
      else timer = setTimeout(look, stallMs);
    }
    return {
      [Symbol.dispose]() {
        isOver = true;
        clearTimeout(timer);
      },
    };
  }

  /** The server is gone, or has finished the connection's statement: its answer will not come. */
  async #isLost({ host, backendPid }: Session): Promise<boolean> {
    try {
      const other = await this.#connector.connectTo(host);
      const [[state] = []] = await other.run(`${askAfter}${backendPid}`).finally(() => other.destroy());
      return state !== "active";
    } catch (error) {
      if (isRefusedForNow(error)) return false;
      this.#connector.heardNothing();
      return true;
    }
  }
}
