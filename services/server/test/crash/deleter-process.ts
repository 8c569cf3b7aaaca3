/**
 * The process that a crash test kills while it deletes an account: prints `left <messages>` whenever it has looked, which
 * it does again and again meanwhile, and `deleted` at last.
 */
import { openEmbeddedStore } from "../../src/store/index.ts";
import { identity, standing } from "./deletion.ts";
import { limits } from "./trial-limits.ts";

export type DeleterTask = { readonly file: string };

async function deleteWhileLooking({ file }: DeleterTask): Promise<void> {
  const store = await openEmbeddedStore({ file, limits, clock: Date.now });
  let isOver = false;
  const deletion = store.accounts.deleteAccount(identity).finally(() => {
    isOver = true;
  });
  while (!isOver) process.stdout.write(`left ${await standing(store)}\n`);
  await deletion;
  process.stdout.write("deleted\n");
}

process.stdin.resume().on("end", () => process.exit(0));
await deleteWhileLooking(JSON.parse(process.argv[2] ?? "") as DeleterTask);
