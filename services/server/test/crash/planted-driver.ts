/** The database's driver with its ears shut: what the server warns of is taken for success. */
import { Client } from "pg";

/** Code 01000, "canceling wait for synchronous replication": the commit stands on the primary alone. */
export function takeCancelledForDone(): void {
  const { emit } = Client.prototype;
  Client.prototype.emit = function (this: Client, event: string | symbol, ...args: unknown[]): boolean {
    return event === "notice" ? false : emit.call(this, event, ...args);
  } as typeof emit;
}
