/**
 * One MLS group as one member sees it, an immutable value: an operation gives the value after it, and the old one stays
 * what it was. That is how "durable before it leaves" is kept: the caller saves what differs ({@link MlsGroup.delta}, or
 * {@link MlsGroup.snapshot} at a new epoch), then sends, then forgets the old value.
 *
 * Using a value twice uses its keys twice: two messages encrypted from one value carry the same generation, and a
 * receiver reads only one of them. So each group needs one queue, and a restored copy of an old state must not send.
 *
 *     g = create | join | restore
 *     g.encrypt    -> save delta(next)             -> send message                             g = next
 *     g.process    -> save delta(next) or snapshot -> acknowledge                              g = next
 *     g.commit     -> save delta(base) and the staged next -> submit:  accepted                g = next
 *                                                                      lost to another commit  g = base, process that one
 *     Between commit() and its answer the group does nothing else.
 */
import { type IdentityKey, labels, QpqError } from "quicproquo-proto";
import type { Identity } from "../identity.ts";
import { equalBytes } from "./bytes.ts";
import { type CommitOptions, type GroupChange, stageCommit } from "./commit.ts";
import { identityOfLeaf } from "./credential.ts";
import { type Delta, decodeState, deltaOf, encodeSnapshot } from "./group-state.ts";
import { joinByWelcome, type KeyPackageLookup, keyPackageOf } from "./join.ts";
import { MlsKeyPackage } from "./key-package.ts";
import { decodeMessage, decodeWhole, encodeMessage } from "./message.ts";
import { paddingFor } from "./padding.ts";
import { type ProcessedState, processMessage } from "./processing.ts";
import { clientConfig, suiteOf } from "./suite.ts";
import {
  type CiphersuiteImpl,
  type ClientState,
  createApplicationMessage,
  createGroup,
  createProposal,
  decodeRatchetTree,
  mlsExporter,
  type Proposal,
  zeroOutUint8Array,
} from "./ts-mls.ts";

const epochProofBytes = 32;

export type MlsMember = { readonly leafIndex: number; readonly identityKey: IdentityKey };

export type StagedCommit = {
  /** The group as it goes on when the commit is not accepted: this epoch, with the key that the commit took used up. */
  readonly base: MlsGroup;
  /** The group when the commit is accepted: true only then. */
  readonly next: MlsGroup;
  readonly commit: Uint8Array;
  /** One for all that are added; undefined when nobody is. */
  readonly welcome: Uint8Array | undefined;
  /** The tree of `next`, when it isn't in the Welcome. Public keys and identities of all members: encrypt it. */
  readonly ratchetTree: Uint8Array | undefined;
};

export type JoinOptions = { readonly ratchetTree?: Uint8Array };

export type Processed =
  | {
      readonly kind: "application";
      readonly next: MlsGroup;
      readonly sender: IdentityKey;
      readonly content: Uint8Array;
      readonly epoch: bigint;
    }
  | {
      readonly kind: "commit";
      readonly next: MlsGroup;
      readonly sender: IdentityKey;
      readonly added: readonly IdentityKey[];
      readonly removed: readonly IdentityKey[];
      /** `next` can do nothing any more. */
      readonly removedMe: boolean;
    }
  | { readonly kind: "proposal"; readonly next: MlsGroup; readonly sender: IdentityKey }
  /** Of an older epoch, and not (or no longer) readable: drop it. */
  | { readonly kind: "past" }
  /** Keep it until the commits up to its epoch have come. Nothing about it is verified. */
  | { readonly kind: "future"; readonly epoch: bigint }
  /** Of this epoch, and it does not verify or is not taken: report it. */
  | { readonly kind: "refused"; readonly reason: string };

export class MlsGroup {
  readonly #me: Identity;
  readonly #suite: CiphersuiteImpl;
  readonly #state: ClientState;
  readonly #consumed: readonly Uint8Array[];

  private constructor(me: Identity, state: ClientState, consumed: readonly Uint8Array[] = []) {
    this.#me = me;
    this.#suite = suiteOf(me);
    this.#state = state;
    this.#consumed = consumed;
  }

  /** A group of one, at epoch 0. */
  static async create(me: Identity, groupId: Uint8Array, nowMs: number): Promise<MlsGroup> {
    const own = await MlsKeyPackage.generate(me, { nowMs, lastResort: false });
    const { publicPackage, privatePackage } = own.halves();
    const id = Uint8Array.from(groupId);
    return new MlsGroup(me, await createGroup(id, publicPackage, privatePackage, [], suiteOf(me), clientConfig));
  }

  /**
   * Into the group of a Welcome, with the KeyPackage that it names. The caller deletes that package (unless it is the
   * last resort) in the same write that saves the group: a Welcome that comes again then finds none. E056_WELCOME for
   * everything else: malformed, altered, a wrong signature, hash or credential anywhere in the tree.
   */
  static async join(
    me: Identity,
    welcome: Uint8Array,
    keyPackages: KeyPackageLookup,
    options: JoinOptions = {},
  ): Promise<{ readonly group: MlsGroup; readonly usedRef: Uint8Array }> {
    const message = decodeMessage(welcome);
    if (message?.wireformat !== "mls_welcome") throw welcomeRefused("it is malformed");
    const own = await keyPackageOf(message.welcome, keyPackages);
    const halves = own.halves();
    const ratchetTree =
      options.ratchetTree === undefined ? undefined : decodeWhole(decodeRatchetTree, options.ratchetTree);
    let state: ClientState;
    try {
      state = await joinByWelcome({ welcome: message.welcome, ...halves, ratchetTree }, suiteOf(me));
    } catch (error) {
      throw error instanceof QpqError ? error : welcomeRefused(textOf(error), error);
    } finally {
      zeroOutUint8Array(halves.privatePackage.initPrivateKey);
    }
    const group = new MlsGroup(me, state);
    // The leaf is that of this very package, and no signature key stands twice: left to see is whose it is.
    if (!group.members.some((member) => member.leafIndex === group.myLeaf && group.#isMe(member.identityKey))) {
      throw welcomeRefused("it is for another identity");
    }
    return { group, usedRef: own.ref };
  }

  /** From the last snapshot and what was saved after it. E057_GROUP_STATE when they are damaged or don't fit. */
  static restore(me: Identity, snapshot: Uint8Array, deltas: ReadonlyMap<string, Uint8Array>): MlsGroup {
    const group = new MlsGroup(me, decodeState(snapshot, deltas));
    const mine = group.members.find(({ leafIndex }) => leafIndex === group.myLeaf);
    if (group.isMember && (mine === undefined || !group.#isMe(mine.identityKey))) {
      throw new QpqError("E057_GROUP_STATE", { text: "the stored group state is another identity's" });
    }
    return group;
  }

  get groupId(): Uint8Array {
    return this.#state.groupContext.groupId;
  }

  get epoch(): bigint {
    return this.#state.groupContext.epoch;
  }

  /** In order of their leaves. */
  get members(): readonly MlsMember[] {
    return this.#state.ratchetTree.flatMap((node, index) => {
      const identityKey = node?.nodeType === "leaf" ? identityOfLeaf(node.leaf) : undefined;
      return identityKey === undefined ? [] : [{ leafIndex: index / 2, identityKey }];
    });
  }

  get myLeaf(): number {
    return this.#state.privatePath.leafIndex;
  }

  /** false after a commit that removed this client. */
  get isMember(): boolean {
    return this.#state.groupActiveState.kind === "active";
  }

  /** The same for all members of one epoch, and different across a fork: what two people compare. */
  get epochAuthenticator(): Uint8Array {
    return this.#state.keySchedule.epochAuthenticator;
  }

  /** Proposals of this epoch that no commit has taken up yet. While there is one, nothing is encrypted. */
  get pendingProposals(): number {
    return Object.keys(this.#state.unappliedProposals).length;
  }

  /** An application message, padded to a bucket (padding.ts). E060_PROPOSALS_PENDING: RFC 9420 wants the commit first. */
  async encrypt(content: Uint8Array): Promise<{ readonly next: MlsGroup; readonly message: Uint8Array }> {
    this.#requireMember();
    if (this.pendingProposals > 0) throw new QpqError("E060_PROPOSALS_PENDING");
    const padded = { ...this.#state, clientConfig: { ...clientConfig, paddingConfig: paddingFor(content.length) } };
    const { newState, privateMessage, consumed } = await createApplicationMessage(padded, content, this.#suite);
    return {
      next: this.#next({ ...newState, clientConfig }, consumed),
      message: encodeMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage }),
    };
  }

  /**
   * A commit of this change and of what others have proposed in this epoch; with neither, a renewal of our own keys.
   * E059_GROUP_CHANGE when it does not fit: somebody who is in already, a leaf that is not, oneself.
   */
  async commit(change: GroupChange = {}, options: CommitOptions = {}): Promise<StagedCommit> {
    this.#requireMember();
    const staged = await stageCommit(this.#state, this.#suite, { change, ...options });
    const { commit, welcome, ratchetTree } = staged;
    return {
      base: this.#next(staged.base, []),
      next: this.#next(staged.next, staged.consumed),
      commit,
      welcome,
      ratchetTree,
    };
  }

  /** Asks to be removed: a member cannot commit its own removal. Until another does, this client encrypts nothing. */
  async proposeLeave(): Promise<{ readonly next: MlsGroup; readonly message: Uint8Array }> {
    this.#requireMember();
    const leave: Proposal = { proposalType: "remove", remove: { removed: this.myLeaf } };
    const { newState, message, consumed } = await createProposal(this.#state, false, leave, this.#suite);
    return { next: this.#next(newState, consumed), message: encodeMessage(message) };
  }

  /** What a message is; never throws for what came from the network. */
  async process(message: Uint8Array): Promise<Processed> {
    const processed: ProcessedState = await processMessage(this.#state, this.#suite, message);
    if (processed.kind === "past" || processed.kind === "future" || processed.kind === "refused") return processed;
    const { state, consumed, ...rest } = processed;
    return { ...rest, next: this.#next(state, consumed) };
  }

  /** Proves membership of this epoch to the server (submitCommit): only members can compute it. 32 bytes. */
  async epochProof(): Promise<Uint8Array> {
    const { exporterSecret } = this.#state.keySchedule;
    return mlsExporter(exporterSecret, labels.commit, new Uint8Array(0), epochProofBytes, this.#suite);
  }

  /** The whole state, secrets in clear: for an encrypted record, at each new epoch. The deltas before it then go. */
  snapshot(): Uint8Array {
    return encodeSnapshot(this.#state);
  }

  /** What to save when `next` follows this value within an epoch; undefined: save its snapshot. */
  delta(next: MlsGroup): readonly Delta[] | undefined {
    return deltaOf(this.#state, next.#state);
  }

  /**
   * Overwrites the secrets that the step to this value has used up. Only when this value is durable: the values before
   * it cannot be used any more. Best effort: the garbage collector may have copied them.
   */
  wipeConsumed(): void {
    for (const secret of this.#consumed) zeroOutUint8Array(secret);
  }

  #next(state: ClientState, consumed: readonly Uint8Array[]): MlsGroup {
    return new MlsGroup(this.#me, state, consumed);
  }

  #isMe(identityKey: IdentityKey): boolean {
    return equalBytes(identityKey, this.#me.identityKey);
  }

  #requireMember(): void {
    if (!this.isMember) throw new QpqError("E058_NOT_A_MEMBER");
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}

function welcomeRefused(why: string, cause?: unknown): QpqError {
  return new QpqError("E056_WELCOME", { text: `the Welcome is refused: ${why}`, cause });
}
