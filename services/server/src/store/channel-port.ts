/** The port for channels of two members; a channel never changes its members, so they may be kept. */
import type { IdentityKey } from "quicproquo-proto";

export type ChannelMade = { readonly channelId: Uint8Array; readonly wasNew: boolean };

export interface ChannelStore {
  /**
   * One channel for a pair, whichever is named first: the pair again, also at the same time, answers the first one's id.
   * `newId`: 16 random bytes, for a new one; the same call again answers the same. Durable when it resolves.
   */
  createChannel(request: {
    readonly a: IdentityKey;
    readonly b: IdentityKey;
    readonly newId: Uint8Array;
  }): Promise<ChannelMade>;
  /** Two, ascending by byte. undefined: there is no such channel, or an account of it was deleted. */
  membersOf(channelId: Uint8Array): Promise<readonly [IdentityKey, IdentityKey] | undefined>;
}
