/** qpq check-key: digits that you and the other person (or the whole group) read to each other. */
import { safetyNumber } from "quicproquo-core";
import { personal } from "../command.ts";
import { isKey, parseKey } from "../keys.ts";
import { hex } from "../output.ts";

export const checkKey = personal(
  {
    words: "KEY|GROUP",
    doc: "digits to compare with the other person, or with all of a group",
    wordsMin: 1,
    wordsMax: 1,
  },
  async ({ chat, state }, { output, words: [address = ""] }) => {
    if (isKey(address)) {
      const digits = safetyNumber(state.identity.identityKey, parseKey(address));
      output.data(digits, { safetyNumber: digits, peer: address.toLowerCase() });
      return;
    }
    const id = chat.find(address);
    const group = chat.list().find((each) => each.id === id);
    if (group === undefined) return;
    const code = (hex(group.epochAuthenticator).slice(0, 32).match(/.{4}/g) as string[]).join(" ");
    output.data(`${code}  (epoch ${group.epoch}: the same for every member)`, {
      conversation: id,
      epoch: group.epoch,
      code,
    });
  },
);
