/** Before a call is served: every channel that it names has the caller and the inbox's owner for its members. */
import { parseChannelId, parseIdentityKey } from "quicproquo-proto";
import type { Caller } from "../access/access.ts";
import type { Channels } from "../access/channels.ts";
import { requireMembers } from "../access/rules.ts";

type Addressed = { readonly channelId: Uint8Array; readonly recipientKey: Uint8Array };

/** Fields of whatever call, by which it names inboxes. */
export type AddressFields = {
  readonly channelId?: Uint8Array;
  readonly recipientKey?: Uint8Array;
  readonly recipientKeys?: readonly Uint8Array[];
  readonly entries?: readonly Addressed[];
};

/**
 * undefined: there is nothing to wait for, as in nearly all calls. E007, E012_CHANNEL_ID, E022_CHANNEL_ACCESS_DENIED,
 * E023_CHANNEL_NOT_FOUND, E020; thrown or rejected.
 */
export function requireChannels(channels: Channels, caller: Caller, fields: AddressFields): Promise<void> | undefined {
  const { channelId, recipientKey, recipientKeys = [], entries } = fields;
  if (channelId !== undefined && channelId.length > 0) {
    const owners = recipientKey === undefined ? recipientKeys : [recipientKey];
    const inboxes = owners.map((owner) => ({ channelId, recipientKey: owner }));
    return check(channels, caller, inboxes);
  }
  return entries?.some(isInChannel) === true ? check(channels, caller, entries.filter(isInChannel)) : undefined;
}

function isInChannel({ channelId }: Addressed): boolean {
  return channelId.length > 0;
}

/** One after the other: a call with many ids that nobody has made costs one look. */
async function check(channels: Channels, caller: Caller, inboxes: readonly Addressed[]): Promise<void> {
  for (const { channelId, recipientKey } of inboxes) {
    const owner = parseIdentityKey(recipientKey);
    const found = channels.membersOf(parseChannelId(channelId));
    // no turn is given away where members are known
    const members = found instanceof Promise ? await found : found;
    requireMembers(caller, members, owner);
  }
}
