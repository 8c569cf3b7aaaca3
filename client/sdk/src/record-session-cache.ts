/**
 * Sessions of earlier connections among a client's records: encrypted with its state, since who has a session can decrypt
 * early data that is sent with it. One a server; what is lost costs one full handshake.
 */
import { recordIdBytesMax, type RecordStore } from "quicproquo-core";
import type { SessionCache } from "./connect.ts";

export class RecordSessionCache implements SessionCache {
  readonly #records: RecordStore;

  constructor(records: RecordStore) {
    this.#records = records;
  }

  get(server: string): Promise<Uint8Array | undefined> {
    return this.#records.get(idOf(server));
  }

  async put(server: string, session: Uint8Array): Promise<void> {
    // the records may be closed by now, or the disk full: a session is not worth an error
    await this.#records.write([{ id: idOf(server), bytes: session }]).catch(() => undefined);
  }

  async forget(server: string): Promise<void> {
    await this.#records.write([{ id: idOf(server), bytes: undefined }]);
  }
}

/** Record ids are bounded, names of servers are not. Two that share the beginning make full handshakes. */
function idOf(server: string): string {
  return `session/${server}`.slice(0, recordIdBytesMax / 2);
}
