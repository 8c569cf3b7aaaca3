/**
 * The owner's side: serves a store to the front-ends that connect to a Unix socket.
 *
 *     frame ──▶ each call to the store ──▶ answers of a turn gathered into one frame
 *
 * A front-end that dies leaves nothing half done: a call arrived as a whole or not at all, and what arrived runs to its
 * end. One that does not take its answers gets no further reads done. The store's own gates bound what all of them have
 * in flight together.
 */
import { unlink } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { type InboxKey, QpqError } from "quicproquo-proto";
import type { ByteReader, ByteWriter } from "../../ipc/bytes.ts";
import { FrameSocket, frameLimits, isEmptyFrame, newFrame } from "../../ipc/frames.ts";
import {
  accountCodecs,
  blobCodecs,
  type CallName,
  type Calls,
  channelCodecs,
  codecs,
  isRead,
} from "../packing/index.ts";
import type { Store, WakeupListener } from "../port.ts";
import { callNameOf, protocolNumber, readLimits, toFrontEnd, toStore, writeText } from "./protocol.ts";

export type ServedStore = {
  /** Cuts every front-end off and frees the socket; the store itself stays open. */
  close(): Promise<void>;
};

/** The store must be open: then its file's lock says that nobody else serves at this path, and a file there is a dead one's. */
export async function serveStore(store: Store, path: string): Promise<ServedStore> {
  await unlink(path).catch(() => undefined);
  const channels = new Set<FrontEndChannel>();
  const server = createServer((socket) => {
    const channel = new FrontEndChannel(store, socket, () => channels.delete(channel));
    channels.add(channel);
  });
  await listening(server, path);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const channel of channels) channel.close();
      }),
  };
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new QpqError("E020_STORE_UNAVAILABLE", { text: "the store's socket cannot be made", cause }));
    });
    // who may connect is who may write the file: its folder is the owner's alone
    server.listen(path, resolve);
  });
}

class FrontEndChannel {
  readonly #store: Store;
  readonly #frames: FrameSocket;
  readonly #listeners = new Map<InboxKey, WakeupListener>();
  /** Hints of one inbox that wait together are one. */
  readonly #hints = new Set<InboxKey>();
  /** Of the claims of one inbox that wait together the greatest is told. */
  readonly #claims = new Map<InboxKey, string>();
  #out: ByteWriter = newFrame();
  readonly #waitingReads: Call[] = [];
  #readsBegun = 0;
  #flushIsDue = false;
  #isClosed = false;

  constructor(store: Store, socket: Socket, onClose: () => void) {
    this.#store = store;
    this.#frames = new FrameSocket(socket, {
      onFrame: (reader) => this.#receive(reader),
      onDrain: () => this.#onDrain(),
      onClose: () => {
        this.#isClosed = true;
        for (const [inbox, listener] of this.#listeners) store.wakeups.unsubscribe(inbox, listener);
        onClose();
      },
    });
    this.#out.u8(toFrontEnd.hello);
    this.#out.u32(protocolNumber);
    this.#flush();
  }

  close(): void {
    this.#frames.destroy();
  }

  hint(inbox: InboxKey): void {
    this.#hints.add(inbox);
    this.#flushLater();
  }

  claim(inbox: InboxKey, word: string): void {
    if (word > (this.#claims.get(inbox) ?? "")) this.#claims.set(inbox, word);
    this.#flushLater();
  }

  #receive(reader: ByteReader): void {
    while (!reader.isAtEnd) this.#obey(reader);
  }

  #obey(reader: ByteReader): void {
    switch (reader.u8()) {
      case toStore.subscribe:
        return this.#subscribe(reader.latin1() as InboxKey);
      case toStore.unsubscribe:
        return this.#unsubscribe(reader.latin1() as InboxKey);
      case toStore.publish:
        return this.#store.wakeups.publish(reader.latin1() as InboxKey);
      case toStore.claim:
        return this.#store.wakeups.claim?.(reader.latin1() as InboxKey, reader.latin1());
      case toStore.call: {
        const id = reader.u32();
        const name = callNameOf(reader.u8());
        return this.#call({ id, name, request: codecs[name].readRequest(reader) });
      }
      default:
        throw new RangeError("no such word");
    }
  }

  #subscribe(inbox: InboxKey): void {
    this.#unsubscribe(inbox);
    const listener = new InboxListener(this, inbox);
    // the owner's bus is of its own process, so hints come before any read behind this word
    void this.#store.wakeups.subscribe(inbox, listener);
    this.#listeners.set(inbox, listener);
  }

  #unsubscribe(inbox: InboxKey): void {
    const listener = this.#listeners.get(inbox);
    if (listener === undefined) return;
    this.#store.wakeups.unsubscribe(inbox, listener);
    this.#listeners.delete(inbox);
  }

  #call(call: Call): void {
    if (!isRead(call.name)) return this.#run(call);
    this.#waitingReads.push(call);
    if (this.#waitingReads.length + this.#readsBegun > readLimits.sentMax) throw new RangeError("too many reads");
    this.#beginReads();
  }

  #beginReads(): void {
    while (this.#readsBegun < readLimits.begunMax && !this.#frames.isCongested) {
      const read = this.#waitingReads.shift();
      if (read === undefined) return;
      this.#readsBegun++;
      this.#run(read);
    }
  }

  #run(call: Call): void {
    const { name, request } = call;
    (runners[name] as Runner<CallName>)(this.#store, request).then(
      (answer) => this.#settle(call, toFrontEnd.answer, (out) => codecs[name].writeAnswer(out, answer as never)),
      (error: unknown) => this.#settle(call, toFrontEnd.failure, (out) => writeText(out, reasonOf(error))),
    );
  }

  #settle({ id, name }: Call, word: number, write: (out: ByteWriter) => void): void {
    if (isRead(name)) this.#readsBegun--;
    if (this.#isClosed) return;
    this.#out.u8(word);
    this.#out.u32(id);
    write(this.#out);
    if (this.#out.length >= frameLimits.frameBytes) this.#flush();
    else this.#flushLater();
    this.#beginReads();
  }

  /** At the end of the turn, so that the answers of one group commit travel together. */
  #flushLater(): void {
    if (this.#flushIsDue) return;
    this.#flushIsDue = true;
    setImmediate(() => {
      this.#flushIsDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#isClosed) return;
    // answers are few enough to be sent; hints can wait, and gather
    if (!this.#frames.isCongested) this.#writeHints();
    if (isEmptyFrame(this.#out)) return;
    this.#frames.send(this.#out);
    this.#out = newFrame();
    if (this.#frames.isCongested) this.#frames.pause();
  }

  #writeHints(): void {
    for (const inbox of this.#hints) {
      this.#out.u8(toFrontEnd.hint);
      this.#out.latin1(inbox);
    }
    this.#hints.clear();
    for (const [inbox, word] of this.#claims) {
      this.#out.u8(toFrontEnd.claim);
      this.#out.latin1(inbox);
      this.#out.latin1(word);
    }
    this.#claims.clear();
  }

  #onDrain(): void {
    this.#frames.resume();
    this.#flush();
    this.#beginReads();
  }
}

/** Of a front-end: one for each inbox that somebody waits for there. */
class InboxListener implements WakeupListener {
  readonly #channel: FrontEndChannel;
  readonly #inbox: InboxKey;

  constructor(channel: FrontEndChannel, inbox: InboxKey) {
    this.#channel = channel;
    this.#inbox = inbox;
  }

  onHint(): void {
    this.#channel.hint(this.#inbox);
  }

  onClaim(word: string): void {
    this.#channel.claim(this.#inbox, word);
  }
}

type Call = { readonly id: number; readonly name: CallName; readonly request: Calls[CallName]["request"] };
type Runner<N extends CallName> = (store: Store, request: Calls[N]["request"]) => Promise<Calls[N]["answer"]>;

const runners: { readonly [N in CallName]: Runner<N> } = {
  append: ({ log }, entries) => log.appendAll(entries),
  commitGroup: ({ log }, commit) => log.commitGroup(commit),
  ack: ({ log }, { inbox, upTo, storeEpoch }) => log.ack(inbox, upTo, storeEpoch),
  sweep: ({ log }, rowsMax) => log.sweep(rowsMax),
  putKeyPackage: ({ keys }, put) => keys.putKeyPackage(put),
  takeKeyPackage: ({ keys }, identity) => keys.takeKeyPackage(identity),
  putHybridKey: async ({ keys }, { identity, key }) => void (await keys.putHybridKey(identity, key)),
  read: ({ log }, query) => log.read(query),
  getHybridKeys: ({ keys }, identities) => keys.getHybridKeys(identities),
  ...through(accountCodecs, ({ accounts }) => accounts),
  // all steps: one that this front-end does not live to see the end of is taken as well
  deleteAccountStep: ({ accounts }, identity) => accounts.deleteAccount(identity).then(() => true),
  ...through(channelCodecs, ({ channels }) => channels),
  ...through(blobCodecs, ({ blobs }) => blobs),
  probe: async (store) => void (await store.health()),
};

/** Each to the method of its name. */
function through<N extends CallName>(
  codecs: { readonly [Name in N]: unknown },
  portOf: (store: Store) => object,
): { readonly [Name in N]: Runner<Name> } {
  const run = (name: string) => (store: Store, request: unknown) =>
    (portOf(store) as Readonly<Record<string, (request: unknown) => Promise<unknown>>>)[name]?.(request);
  return Object.fromEntries(Object.keys(codecs).map((name) => [name, run(name)])) as never;
}

function reasonOf(error: unknown): string {
  const told = error instanceof QpqError ? error : new QpqError("E034_INTERNAL", { cause: error });
  return told.reason;
}
