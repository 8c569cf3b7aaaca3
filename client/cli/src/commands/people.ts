/** qpq resolve, block, unblock: other users. */
import { type Command, personal } from "../command.ts";
import { personOf } from "../addresses.ts";
import { hex } from "../output.ts";
import { short } from "../print-event.ts";

export const resolve = personal(
  {
    words: "NAME",
    doc: "the key of a user, as the server says; what proves it is check-key",
    wordsMin: 1,
    wordsMax: 1,
  },
  async ({ contacts }, { options, output, words: [name = ""] }) => {
    const { acceptNewKey } = options;
    const { username, identityKey, isNew } = await contacts.ask(name.replace(/^@/, ""), { acceptNewKey });
    output.data(hex(identityKey), { username, identityKey, isNew });
    output.words(`only the server says so; compare the digits of: qpq check-key @${username}`);
  },
);

function blocking(blocked: boolean, shape: { readonly doc: string; readonly told: string }): Command {
  return personal(
    { words: "KEY|NAME", doc: shape.doc, wordsMin: 1, wordsMax: 1 },
    async (person, { output, words: [address = ""] }) => {
      const member = await personOf(address, person, output);
      await person.directory.setBlocked(member, blocked);
      output.data(`${short(member)} ${shape.told}`, { member, blocked });
    },
  );
}

export const block = blocking(true, {
  doc: "take no more messages from somebody",
  told: "is blocked: what they send is refused, and they are told so",
});
export const unblock = blocking(false, { doc: "take them again", told: "is not blocked" });
