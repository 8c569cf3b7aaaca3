/** The same with ts-mls as it comes: its WebCrypto provider and its defaults, nothing of ours. */
import { randomBytes } from "node:crypto";
import type {
  CiphersuiteImpl,
  ClientState,
  KeyPackage,
  MLSMessage,
  PrivateKeyPackage,
  PrivateMessage,
  Proposal,
} from "ts-mls";
import { createGroup, joinGroup, makePskIndex } from "ts-mls/clientState.js";
import { createCommit } from "ts-mls/createCommit.js";
import { createApplicationMessage } from "ts-mls/createMessage.js";
import { getCiphersuiteFromName } from "ts-mls/crypto/ciphersuite.js";
import { getCiphersuiteImpl } from "ts-mls/crypto/getCiphersuiteImpl.js";
import { defaultCapabilities } from "ts-mls/defaultCapabilities.js";
import { generateKeyPackage } from "ts-mls/keyPackage.js";
import { defaultLifetime } from "ts-mls/lifetime.js";
import { processPrivateMessage } from "ts-mls/processMessages.js";
import { type MeasuredGroup, messageBytes, messagesATime, timed } from "./measured-group.ts";

type Member = { readonly publicPackage: KeyPackage; readonly privatePackage: PrivateKeyPackage };

const noPsk = makePskIndex(undefined, {});

export class StockGroup implements MeasuredGroup {
  readonly #suite: CiphersuiteImpl;
  readonly #committer: ClientState;
  readonly #other: ClientState;
  readonly #newcomer: Member;

  private constructor(suite: CiphersuiteImpl, states: readonly [ClientState, ClientState], newcomer: Member) {
    this.#suite = suite;
    [this.#committer, this.#other] = states;
    this.#newcomer = newcomer;
  }

  static async of(members: number): Promise<StockGroup> {
    const suite = await getCiphersuiteImpl(getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"));
    const me = await newMember(suite);
    const others: Member[] = [];
    while (others.length < members - 1) others.push(await newMember(suite));
    const [other] = others;
    if (other === undefined) throw new RangeError("a group to measure has 2 members or more");
    const state = await createGroup(randomBytes(16), me.publicPackage, me.privatePackage, [], suite);
    const extraProposals = others.map(addOf);
    const { newState, welcome } = await createCommit(
      { state, cipherSuite: suite },
      { extraProposals, ratchetTreeExtension: true },
    );
    if (welcome === undefined) throw new Error("a commit that adds has a Welcome");
    const joined = await joinGroup(welcome, other.publicPackage, other.privatePackage, noPsk, suite);
    return new StockGroup(suite, [newState, joined], await newMember(suite));
  }

  add(): Promise<number> {
    return timed(() => this.#commit([addOf(this.#newcomer)]));
  }

  async processAdd(): Promise<number> {
    const commit = privateOf((await this.#commit([addOf(this.#newcomer)])).commit);
    return timed(() => processPrivateMessage(this.#other, commit, noPsk, this.#suite));
  }

  remove(): Promise<number> {
    const { leafIndex } = this.#other.privatePath;
    return timed(() => this.#commit([{ proposalType: "remove", remove: { removed: leafIndex } }]));
  }

  update(): Promise<number> {
    return timed(() => this.#commit([]));
  }

  async encrypt(): Promise<number> {
    return (await timed(() => this.#messages())) / messagesATime;
  }

  async decrypt(): Promise<number> {
    const messages = await this.#messages();
    const read = async () => {
      let state = this.#other;
      for (const message of messages)
        state = (await processPrivateMessage(state, message, noPsk, this.#suite)).newState;
    };
    return (await timed(read)) / messagesATime;
  }

  #commit(extraProposals: Proposal[]) {
    const context = { state: this.#committer, cipherSuite: this.#suite };
    return createCommit(context, { extraProposals, ratchetTreeExtension: true });
  }

  async #messages(): Promise<readonly PrivateMessage[]> {
    const messages: PrivateMessage[] = [];
    let state = this.#committer;
    for (let at = 0; at < messagesATime; at++) {
      const sent = await createApplicationMessage(state, new Uint8Array(messageBytes), this.#suite);
      messages.push(sent.privateMessage);
      state = sent.newState;
    }
    return messages;
  }
}

function newMember(suite: CiphersuiteImpl): Promise<Member> {
  const credential = { credentialType: "basic" as const, identity: randomBytes(32) };
  return generateKeyPackage(credential, defaultCapabilities(), defaultLifetime, [], suite);
}

function addOf({ publicPackage }: Member): Proposal {
  return { proposalType: "add", add: { keyPackage: publicPackage } };
}

function privateOf(message: MLSMessage): PrivateMessage {
  if (message.wireformat !== "mls_private_message") throw new Error("a commit is a private message");
  return message.privateMessage;
}
