/** Where a front-end stands: one life after the other, each with empty hands and a port of its own. */
import type { FrontEnd } from "./front-end.ts";
import type { Seat } from "./seat.ts";

export class Site {
  readonly name: string;
  readonly seats = new Set<Seat>();
  readonly #open: (name: string) => FrontEnd;
  #lives = 0;
  #frontEnd: FrontEnd;

  constructor(name: string, open: (name: string) => FrontEnd) {
    this.name = name;
    this.#open = open;
    this.#frontEnd = this.#next();
  }

  /** The last one, which may be over. */
  get frontEnd(): FrontEnd {
    return this.#frontEnd;
  }

  get isUp(): boolean {
    return !this.#frontEnd.isOver;
  }

  start(): void {
    if (!this.isUp) this.#frontEnd = this.#next();
  }

  #next(): FrontEnd {
    this.#lives++;
    return this.#open(`${this.name}.${this.#lives}`);
  }
}
