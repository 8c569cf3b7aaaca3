/** What rivals were told of their commits. Of each epoch of a group exactly one is accepted, and a refused one is delivered to nobody. */

export type Commit = { readonly group: number; readonly epoch: number; readonly rival: number };

export class CommitBook {
  readonly #accepted = new Map<string, Commit>();
  readonly #delivered = new Set<string>();
  readonly #refused = new Map<string, Commit>();
  readonly #twice: Commit[] = [];

  accept(commit: Commit): void {
    const before = this.#accepted.get(epochOf(commit));
    if (before !== undefined && before.rival !== commit.rival) this.#twice.push(commit);
    this.#accepted.set(epochOf(commit), commit);
  }

  refuse(commit: Commit): void {
    this.#refused.set(keyOf(commit), commit);
  }

  /** A member has received it. */
  deliver(commit: Commit): void {
    this.#delivered.add(keyOf(commit));
  }

  get accepted(): number {
    return this.#accepted.size;
  }

  /** Accepted although another one of the epoch was. */
  get twice(): readonly Commit[] {
    return this.#twice;
  }

  /** Delivered, before or after its sender was told that it was refused. */
  get refusedAndDelivered(): readonly Commit[] {
    return [...this.#refused].filter(([key]) => this.#delivered.has(key)).map(([, commit]) => commit);
  }
}

function epochOf({ group, epoch }: Commit): string {
  return `${group}/${epoch}`;
}

function keyOf(commit: Commit): string {
  return `${epochOf(commit)}/${commit.rival}`;
}
