/** The calls that a run's own side made: each is settled in the end, with a value or with an error of a known kind. */
import { type Answer, RpcError } from "../src/index.ts";
import { MessageError } from "../src/message/index.ts";
import { Finding } from "./finding.ts";

/** What a caller throws or aborts with itself. */
export class Refused extends Error {}

const knownErrors = [Refused, RpcError, MessageError];

type OwnCall<R> = { readonly answer: Answer<R>; readonly name: string; results: R | undefined; isSettled: boolean };

export class OwnCalls<R> {
  readonly #calls: OwnCall<R>[] = [];
  readonly #findings: Finding[] = [];
  readonly #isExpected: (error: unknown) => boolean;

  /** `isExpected`: errors that a caller may see beside those of the runtime. */
  constructor(isExpected: (error: unknown) => boolean = () => false) {
    this.#isExpected = isExpected;
  }

  /** `read` is what the caller does with the results; they may be anything. */
  add(name: string, answer: Answer<R>, read: (results: R) => void): void {
    const call: OwnCall<R> = { answer, name, results: undefined, isSettled: false };
    this.#calls.push(call);
    const settled = answer.then((results) => {
      call.results = results;
      read(results);
    });
    settled.then(
      () => (call.isSettled = true),
      (error: unknown) => {
        call.isSettled = true;
        if (knownErrors.some((Known) => error instanceof Known) || this.#isExpected(error)) return;
        this.#findings.push(new Finding("internal", `${name} failed with ${String(error)}`, { cause: error }));
      },
    );
  }

  /** undefined when there are none. */
  at(index: number): Answer<R> | undefined {
    return this.#calls[index % Math.max(1, this.#calls.length)]?.answer;
  }

  /** undefined: no call, or its results have not come. */
  resultsAt(index: number): R | undefined {
    return this.#calls[index % Math.max(1, this.#calls.length)]?.results;
  }

  unsettled(name: string): number {
    return this.#calls.filter((call) => call.name === name && !call.isSettled).length;
  }

  letGo(): void {
    for (const { answer } of this.#calls) answer[Symbol.dispose]();
  }

  /** When the session is over and everything that they may wait for has ended. */
  check(): void {
    const [finding] = this.#findings;
    if (finding !== undefined) throw finding;
    const hanging = this.#calls.find(({ isSettled }) => !isSettled);
    if (hanging !== undefined) throw new Finding("hanging-call", `${hanging.name} was never settled`);
  }
}
