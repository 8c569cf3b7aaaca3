/** qpq invite, remove, leave, update, members: who is in a conversation, and with which keys. */
import { personal } from "../command.ts";
import { personOf } from "../addresses.ts";
import { hex } from "../output.ts";
import { short } from "../print-event.ts";

export const invite = personal(
  {
    words: "GROUP KEY|NAME",
    doc: "add somebody; they are in when they next run recv or join",
    wordsMin: 2,
    wordsMax: 2,
  },
  async (person, { output, words: [group = "", address = ""] }) => {
    const { chat } = person;
    const id = chat.find(group);
    const member = await personOf(address, person, output);
    await chat.invite(id, member);
    output.data(`${short(member)} is invited to ${group}`, { conversation: id, member });
  },
);

export const remove = personal(
  { words: "GROUP KEY|NAME", doc: "take somebody out; they cannot read what comes after", wordsMin: 2, wordsMax: 2 },
  async (person, { output, words: [group = "", address = ""] }) => {
    const { chat } = person;
    const id = chat.find(group);
    const member = await personOf(address, person, output);
    await chat.remove(id, member);
    output.data(`${short(member)} is out of ${group}`, { conversation: id, member });
  },
);

export const leave = personal(
  { words: "GROUP", doc: "ask the others to take you out", wordsMin: 1, wordsMax: 1 },
  async ({ chat }, { output, words: [group] }) => {
    const id = chat.find(group as string);
    await chat.leave(id);
    output.data(`you leave ${group}: the others complete it when they are next online`, { conversation: id });
  },
);

export const update = personal(
  { words: "GROUP", doc: "new keys of your own: who had the old ones cannot read on", wordsMin: 1, wordsMax: 1 },
  async ({ chat }, { output, words: [group] }) => {
    const id = chat.find(group as string);
    await chat.update(id);
    output.data(`you have new keys in ${group}`, { conversation: id });
  },
);

export const members = personal(
  { words: "GROUP", doc: "who is in a conversation", wordsMin: 1, wordsMax: 1 },
  async ({ chat, state }, { output, words: [group] }) => {
    const id = chat.find(group as string);
    for (const key of chat.members(id)) {
      const isMe = hex(key) === hex(state.identity.identityKey);
      output.data(`${hex(key)}${isMe ? " (you)" : ""}`, { conversation: id, member: key, isMe });
    }
  },
);
