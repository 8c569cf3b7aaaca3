/**
 * Whom a command means: KEY, or NAME of a user, or the conversation that is called so. A group's name is chosen by whoever
 * is in it, so `@NAME` is always the user, and NAME the conversation only where no user of that name is known here.
 */
import { type IdentityKey, parseUsername, QpqError } from "quicproquo-proto";
import type { ConversationId } from "quicproquo-sdk";
import { isKey, parseKey } from "./keys.ts";
import { hex, type Output } from "./output.ts";
import type { Person } from "./person.ts";

export type Addressed =
  | { readonly kind: "conversation"; readonly id: ConversationId }
  /** `name` as the user's is shown: @bob. undefined for one who was named by the key. */
  | { readonly kind: "person"; readonly identityKey: IdentityKey; readonly name: string | undefined };

/** KEY|NAME. E065_USERNAME, E075_ACCOUNT_NOT_FOUND. */
export async function personOf(address: string, person: Person, output: Output): Promise<IdentityKey> {
  return (await addressedPerson(address, person, output)).identityKey;
}

/** KEY|NAME|GROUP. E052_CONVERSATION_UNKNOWN also where the address is both a user's and a conversation's. */
export async function addressedBy(address: string, person: Person, output: Output): Promise<Addressed> {
  if (isKey(address) || address.startsWith("@")) return await addressedPerson(address, person, output);
  let id: ConversationId;
  try {
    id = person.chat.find(address);
  } catch (error) {
    if (!(error instanceof QpqError) || error.code !== "E052_CONVERSATION_UNKNOWN") throw error;
    if (error.fields["matching"] !== undefined || !isName(address)) throw error;
    return await addressedPerson(address, person, output).catch((cause: unknown) => {
      throw cause instanceof QpqError && cause.code === "E075_ACCOUNT_NOT_FOUND" ? neither(cause) : cause;
    });
  }
  if (!isName(address) || (await person.contacts.known(address)) === undefined) return { kind: "conversation", id };
  const text = `a user and a conversation are called so; next: @${address}, or ${id.slice(0, 8)} for the conversation`;
  throw new QpqError("E052_CONVERSATION_UNKNOWN", { text });
}

async function addressedPerson(
  address: string,
  { contacts }: Person,
  output: Output,
): Promise<Extract<Addressed, { kind: "person" }>> {
  if (isKey(address)) return { kind: "person", identityKey: parseKey(address), name: undefined };
  const { username, identityKey, isNew } = await contacts.find(address.replace(/^@/, ""));
  if (isNew) {
    const words = `${username} is ${hex(identityKey)}: so far only the server says so; compare: qpq check-key @${username}`;
    output.words(words);
  }
  return { kind: "person", identityKey, name: `@${username}` };
}

/** What can be no user's, such as two words, is not asked of the server. */
function isName(address: string): boolean {
  try {
    parseUsername(address);
    return true;
  } catch {
    return false;
  }
}

function neither(cause: QpqError): QpqError {
  return new QpqError("E052_CONVERSATION_UNKNOWN", {
    text: "no conversation and no user is called so; next: qpq list",
    cause,
  });
}
