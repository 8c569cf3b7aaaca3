/** A process that writes batch after batch of three records with one number and reports each after it is durable. */
import { openRecordFile, SecretBytes } from "quicproquo-core";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("the file is missing");
const store = openRecordFile({ file, databaseKey: new SecretBytes(new Uint8Array(32)) });
for (let number = 1; ; number++) {
  const bytes = new TextEncoder().encode(String(number));
  await store.write(["a/1", "a/2", "b/1"].map((id) => ({ id, bytes })));
  process.stdout.write(`${number}\n`);
  // the pipe is written between batches, not after all of them
  await new Promise((resolve) => setImmediate(resolve));
}
