/** Files, encrypted before they leave: up and down again. */
import { randomBytes } from "node:crypto";
import { generateClientState, generateFileKey } from "quicproquo-core";
import { protocolVersion } from "quicproquo-proto";
import { Account, Files } from "quicproquo-sdk";
import type { Action } from "../action.ts";
import { MemoryRecords } from "../memory-records.ts";

export const blob: Action = {
  doc: "a file is sealed, uploaded in chunks, downloaded and opened, by a made-up account",
  measures: "from before the sealing until the download is checked and opened",
  defaults: { payloadBytes: 65_536, recipients: 1 },
  // blobs are an account's: the static token has none
  needsToken: false,
  async prepare(pool, { payloadBytes }) {
    const client = pool.reconnecting({ giveUpAfterMs: 10_000 });
    const { identity } = generateClientState();
    const records = new MemoryRecords();
    const account = await Account.open({ server: pool.server, client, records, identity, clock: Date.now });
    const username = `load-${randomBytes(8).toString("hex")}`;
    const password = randomBytes(16).toString("hex");
    await account.register({ username, password });
    await account.logIn({ username, password });
    const files = new Files({ client, accessToken: () => account.accessToken() });
    const content = randomBytes(payloadBytes);
    return {
      async once() {
        // another key is another blob
        const file = { content, name: "load", mime: "application/octet-stream", key: generateFileKey() };
        await files.download(await files.upload(file));
      },
      async close() {
        // with all that is theirs; a server that is gone keeps it for a month
        const accessToken = await account.accessToken();
        const auth = { version: protocolVersion, accessToken, deviceId: new Uint8Array() };
        await client.call("deleteAccount", { auth }).catch(() => undefined);
        client.close();
      },
    };
  },
};
