/** qpq register-user, login, logout, passwd: who you are at the server. */
import { QpqError } from "quicproquo-proto";
import { personal } from "../command.ts";
import { hex } from "../output.ts";
import { readNewPassword, readPassword } from "../password.ts";

export const registerUser = personal(
  { words: "NAME", doc: "a user name at the server, bound to your key, with a password", wordsMin: 1, wordsMax: 1 },
  async ({ account, state }, { options, output, words: [name = ""] }) => {
    const password = await readNewPassword(options, `a password for ${name}: `);
    const username = await account.register({ username: name, password, acceptNewKey: options.acceptNewKey });
    output.data(`${username} is registered; next: qpq login ${username}`, {
      username,
      identityKey: state.identity.identityKey,
    });
  },
);

export const login = personal(
  {
    words: "[NAME]",
    doc: "prove name and key, and get a token that is kept encrypted here",
    wordsMin: 0,
    wordsMax: 1,
  },
  async ({ account, chat, state }, { options, output, words: [name = account.username] }) => {
    if (name === undefined) throw new QpqError("E048_USAGE", { text: "usage: qpq login NAME" });
    const password = await readPassword(options, `password of ${name}: `);
    try {
      const username = await account.logIn({ username: name, password, acceptNewKey: options.acceptNewKey });
      await chat.publishKeys(); // so that others can write at once
      output.data(`logged in as ${username}`, { username });
    } catch (error) {
      if (!(error instanceof QpqError) || error.code !== "E006_FORBIDDEN") throw error;
      const add = `qpq devices add ${hex(state.identity.identityKey)}`;
      const text = `the password is right, but this key is not the account's; where you are logged in: ${add}`;
      throw new QpqError("E006_FORBIDDEN", { text, cause: error });
    }
  },
);

export const logout = personal(
  { words: "", doc: "end the session; --all: those on your other devices too", wordsMin: 0, wordsMax: 0 },
  async ({ account }, { options, output }) => {
    const { username } = account;
    try {
      await account.logOut({ all: options.all });
    } catch (error) {
      if (account.isLoggedIn || username === undefined) throw error;
      output.words(
        `logged out here, but the server was not told: the session lives there until its end, a day at most`,
      );
      output.words(`next: qpq login ${username}, then qpq logout --all`);
      throw error;
    }
    output.data(`logged out${options.all ? " everywhere" : ""}`, { username, all: options.all });
  },
);

export const passwd = personal(
  { words: "", doc: "a new password; ends all sessions but this one", wordsMin: 0, wordsMax: 0 },
  async ({ account }, { options, output }) => {
    const { username } = account;
    if (username === undefined) throw new QpqError("E003_UNAUTHENTICATED");
    const password = await readNewPassword(options, `a new password for ${username}: `);
    try {
      await account.setPassword(password, { acceptNewKey: options.acceptNewKey });
    } catch (error) {
      if (!(error instanceof QpqError) || error.code !== "E066_USERNAME_TAKEN") throw error;
      const text = "only the account's own key sets its password; run it where you registered";
      throw new QpqError("E006_FORBIDDEN", { text, cause: error });
    }
    output.data(`${username} has a new password; all other sessions have ended`, { username });
  },
);
