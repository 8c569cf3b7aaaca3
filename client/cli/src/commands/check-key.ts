/** qpq check-key: digits that you and the other person (or the whole group) read to each other. */
import { safetyNumber } from "quicproquo-core";
import { personal } from "../command.ts";
import { addressedBy } from "../addresses.ts";
import { hex } from "../output.ts";

export const checkKey = personal(
  {
    words: "KEY|NAME|GROUP",
    doc: "digits to compare with the other person, or with all of a group",
    wordsMin: 1,
    wordsMax: 1,
  },
  async (person, { output, words: [address = ""] }) => {
    const { chat, state } = person;
    const addressed = await addressedBy(address, person, output);
    if (addressed.kind === "person") {
      const digits = safetyNumber(state.identity.identityKey, addressed.identityKey);
      output.data(digits, { safetyNumber: digits, peer: addressed.identityKey });
      return;
    }
    const { id } = addressed;
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
