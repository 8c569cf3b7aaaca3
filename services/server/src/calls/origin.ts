/** Where the calls of one connection come from. */
import { networkOf } from "../accounts/network.ts";
import type { Arrival, Caller } from "../access/access.ts";
import type { Sender } from "../delivery/sender.ts";

/** The other end of a connection, which may change while it lives. */
export type Peer = { readonly host: string; readonly port: number };

export class Origin implements Arrival {
  readonly #connection: { readonly peer: Peer };
  /** Of the host: a name each, made once. */
  #host: string | undefined;
  #network = "";
  /** Of the caller, in this network. */
  #sender: Sender | undefined;
  #caller: Caller | undefined;
  /** So that nobody sends sealed where it has said who it is. */
  hasOpenedSession = false;

  constructor(connection: { readonly peer: Peer }) {
    this.#connection = connection;
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  get network(): string {
    const { host } = this.peer;
    if (host !== this.#host) {
      this.#host = host;
      this.#network = networkOf(host);
      this.#sender = undefined;
    }
    return this.#network;
  }

  /** The same object for the calls of one caller from one network: limits keep by it what they know. */
  senderOf(caller: Caller): Sender {
    const { network } = this;
    if (caller !== this.#caller || this.#sender === undefined) {
      this.#caller = caller;
      this.#sender = { key: caller.sender, account: caller.account, network };
    }
    return this.#sender;
  }
}
