/**
 * What a peer can know of a session by the bytes alone: which questions are open, who holds what. It finds what a
 * session must never send whatever it was fed, says what its tables should hold, and tells a hostile peer which ids are
 * in use.
 *
 * What the session is fed may be wrong in every way: it is counted as if it were right, so that the rules only get
 * looser by it. What the session sends must keep the rules of rpc.capnp.
 */
import { FrameReader, MessageError } from "../src/message/index.ts";
import { descriptorTag } from "../src/rpc-layout.ts";
import { Finding } from "./finding.ts";
import { Questions } from "./questions.ts";
import { type Brought, readRpcMessage, type RpcMessage } from "./rpc-message.ts";

export class Ledger {
  readonly findings: Finding[] = [];
  abortReason: string | undefined;
  peerAborted = false;
  sentFrames = 0;
  /** What the peer asked the session, and the other way round. */
  readonly ofPeer = new Questions();
  readonly ofSession = new Questions();
  /** References that the session has to the peer's objects, and the other way round. */
  readonly #imports = new Map<number, number>();
  readonly #exports = new Map<number, number>();
  readonly #promises = new Set<number>();
  readonly #embargoes = new Set<number>();
  /** Questions of the session whose Return needed no Finish: what it had written before may name them still. */
  readonly #endedByPeer = new Set<number>();
  readonly #fed = new FrameReader((frame) => this.#onFed(frame));
  readonly #sent = new FrameReader((frame) => this.#onSent(frame));
  #violation: string | undefined;
  #isReadable = true;
  #isExact = true;

  /** Before the session has them. */
  fed(bytes: Uint8Array): void {
    if (!this.#isReadable) return;
    try {
      this.#fed.push(bytes.slice());
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#isReadable = false;
      this.#isExact = false;
    }
  }

  sent(bytes: Uint8Array): void {
    try {
      this.#sent.push(bytes.slice());
    } catch (error) {
      this.#bad(`no frame: ${String(error)}`);
    }
  }

  /** The next byte that is fed begins a message. */
  get isAtFrame(): boolean {
    return this.#isReadable && this.#fed.pendingBytes === 0;
  }

  /** The last byte that was sent ended a message. */
  get isSentWhole(): boolean {
    return this.#sent.pendingBytes === 0;
  }

  get ids(): Ids {
    return {
      ownQuestions: this.ofPeer.idsWhere(({ isFinished }) => !isFinished),
      theirQuestions: this.ofSession.idsWhere(({ isReturned }) => !isReturned),
      ownExports: held(this.#imports),
      theirExports: held(this.#exports),
      promises: [...this.#promises],
      embargoes: [...this.#embargoes],
    };
  }

  /** Sizes that the tables of a session have which lives and is at rest. undefined = cannot be told. */
  get tables(): Record<"questions" | "answers" | "imports" | "exports", number> | undefined {
    if (!this.#isExact) return undefined;
    return {
      questions: this.ofSession.countWhere(({ isFinished, isReturned }) => !isFinished || !isReturned),
      answers: this.ofPeer.countWhere(({ isFinished }) => !isFinished),
      imports: held(this.#imports).length,
      exports: held(this.#exports).length,
    };
  }

  /** How the peer broke the protocol, as far as it can be told of a session at rest; it must be over then. */
  get violation(): string | undefined {
    if (this.#violation !== undefined || !this.#isExact) return this.#violation;
    // an answer that needed no Finish makes its number free, which only shows when it is sent
    const twice = this.ofPeer.askedTwice;
    if (twice !== undefined) return `question ${twice} asked twice`;
    const unasked = this.ofSession.unasked;
    if (unasked !== undefined) return `a Return for question ${unasked}, which was not asked`;
    const released = [...this.#exports].find(([, count]) => count < 0);
    return released === undefined ? undefined : `export ${released[0]} was released too often`;
  }

  #onFed(frame: Uint8Array): void {
    const message = readRpcMessage(frame);
    if (message === undefined) this.#isExact = false;
    else this.#count(message, "brought" in message ? this.#bring(message.brought) : []);
  }

  #count(message: RpcMessage, imports: readonly number[]): void {
    switch (message.kind) {
      case "bootstrap":
      case "call":
        this.ofPeer.ask(message.questionId, { imports });
        return;
      case "return": {
        if (message.isLast) this.#endedByPeer.add(message.questionId);
        const question = this.ofSession.return(message.questionId, message.isLast);
        if (question === undefined) return this.ofSession.answerEarly(message.questionId, { ...message, imports });
        if (message.releasesParams) this.#giveBack(question.exports);
        // what comes behind a cancellation was released by the peer when it read that
        if (question.isFinished && question.releasesResults) this.#unbring(imports);
        else question.imports = imports;
        return;
      }
      case "finish": {
        // of a question that is not open it changes nothing
        const question = this.ofPeer.finish(message.questionId, message.releasesResults);
        if (question !== undefined && message.releasesResults) this.#giveBack(question.exports);
        return;
      }
      case "release":
        return add(this.#exports, message.id, -message.count);
      case "disembargo":
        if (!message.isQuestion) this.#embargoes.delete(message.id);
        return;
      case "abort":
        this.peerAborted = true;
    }
  }

  /** Answers the numbers of the objects in it. */
  #bring(brought: readonly Brought[] | undefined): readonly number[] {
    if (brought === undefined) this.#isExact = false;
    const imports: number[] = [];
    for (const { kind, id } of brought ?? []) {
      if (kind === descriptorTag.senderPromise) this.#promises.add(id);
      const isObject = kind === descriptorTag.senderHosted || kind === descriptorTag.thirdPartyHosted;
      if (!isObject && kind !== descriptorTag.senderPromise) continue;
      add(this.#imports, id, 1);
      imports.push(id);
    }
    return imports;
  }

  #unbring(imports: readonly number[]): void {
    for (const id of imports) add(this.#imports, id, -1);
  }

  #giveBack(exports: readonly number[]): void {
    for (const id of exports) add(this.#exports, id, -1);
  }

  #onSent(frame: Uint8Array): void {
    this.sentFrames++;
    if (this.abortReason !== undefined) this.#bad("a message behind the Abort");
    const message = readRpcMessage(frame);
    if (message === undefined) return this.#bad("a message that cannot be read");
    if ("brought" in message) {
      if (message.brought === undefined) this.#bad("capabilities that cannot be read");
      for (const one of message.brought ?? []) this.#checkBrought(one);
    }
    this.#checkSent(message);
  }

  #checkSent(message: RpcMessage): void {
    switch (message.kind) {
      case "bootstrap":
      case "call": {
        const { questionId } = message;
        if (message.kind === "call") this.#checkTarget(message.to);
        // a number is used again when the Finish was sent and the Return came (rpc.capnp, QuestionId)
        if (this.ofSession.isOpen(questionId)) this.#bad(`question ${questionId}, which is still in use`);
        const exports = message.kind === "call" ? exportsIn(message.brought) : [];
        if (this.ofSession.ask(questionId, { exports })?.releasesParams === true) this.#giveBack(exports);
        return;
      }
      case "return": {
        const question = this.ofPeer.return(message.questionId, message.isLast);
        if (question === undefined) return this.#bad(`a Return for question ${message.questionId}, which is not open`);
        if (message.isLast && question.hadOthers) this.#isExact = false;
        question.exports = exportsIn(message.brought);
        if (message.releasesParams) this.#unbring(question.imports); // refused: nothing of it was looked at
        if (question.isFinished && question.releasesResults) this.#giveBack(question.exports);
        return;
      }
      case "finish": {
        const question = this.ofSession.finish(message.questionId, message.releasesResults);
        if (question === undefined && this.#endedByPeer.has(message.questionId)) return;
        if (question === undefined) return this.#bad(`a Finish for question ${message.questionId}, which is not open`);
        // canceled before the Return came, and written after it
        if (question.isReturned && message.releasesResults) this.#unbring(question.imports);
        return;
      }
      case "release":
        add(this.#imports, message.id, -message.count);
        if ((this.#imports.get(message.id) as number) < 0) this.#bad(`too many releases of import ${message.id}`);
        return;
      case "disembargo":
        if (message.isQuestion) this.#embargoes.add(message.id);
        return;
      case "abort":
        this.abortReason = message.reason;
        return;
      case "resolve":
        return this.#bad("a Resolve, which is never sent");
      case "other":
        if (message.tag !== 0) this.#bad(`a message of kind ${message.tag}`);
    }
  }

  #checkTarget(to: { importId: number } | { questionId: number } | undefined): void {
    if (to === undefined) return this.#bad("a call to a target of an unknown kind");
    if ("importId" in to) this.#checkImport(to.importId);
    else this.#checkUnfinished(to.questionId);
  }

  #checkBrought({ kind, id }: Brought): void {
    if (kind === descriptorTag.senderHosted) add(this.#exports, id, 1);
    else if (kind === descriptorTag.receiverHosted) this.#checkImport(id);
    else if (kind === descriptorTag.receiverAnswer) this.#checkUnfinished(id);
    else if (kind !== descriptorTag.none) this.#bad(`a capability of kind ${kind}`);
  }

  #checkImport(id: number): void {
    if ((this.#imports.get(id) ?? 0) <= 0) this.#bad(`import ${id}, which it does not hold`);
  }

  #checkUnfinished(questionId: number): void {
    if (!this.ofSession.isUnfinished(questionId) && !this.#endedByPeer.has(questionId))
      this.#bad(`question ${questionId}, which it has finished`);
  }

  #bad(text: string): void {
    this.findings.push(new Finding("bad-output", `the session sent ${text}`));
  }
}

/** Each in the order of first use. */
export type Ids = {
  /** Asked by the peer and not finished. */
  readonly ownQuestions: readonly number[];
  /** Asked by the session and not answered. */
  readonly theirQuestions: readonly number[];
  /** The peer's objects that the session holds, and the other way round. */
  readonly ownExports: readonly number[];
  readonly theirExports: readonly number[];
  /** Of the peer's objects those that it called promises. */
  readonly promises: readonly number[];
  /** The session's Disembargoes that have not come back. */
  readonly embargoes: readonly number[];
};

function exportsIn(brought: readonly Brought[] | undefined): readonly number[] {
  return (brought ?? []).filter(({ kind }) => kind === descriptorTag.senderHosted).map(({ id }) => id);
}

function add(references: Map<number, number>, id: number, difference: number): void {
  references.set(id, (references.get(id) ?? 0) + difference);
}

function held(references: ReadonlyMap<number, number>): number[] {
  return [...references].filter(([, count]) => count > 0).map(([id]) => id);
}
