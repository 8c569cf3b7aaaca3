/**
 * Run with --conditions=browser by crypto.test.ts: the product's own groups on the provider that a browser takes. Prints
 * whether it was that one, and what was heard.
 */
import { mlsCrypto } from "#mls-crypto";
import { mlsCrypto as webCrypto } from "../../src/mls/crypto-web.ts";
import { commitAll, groupOf, type Person } from "./people.ts";

const [alice, bob] = (await groupOf(2)) as [Person, Person];
await commitAll(bob, {}, [alice]);
const heard = await alice.hear(await bob.send("from a browser"));
process.stdout.write(JSON.stringify({ isWebCrypto: mlsCrypto === webCrypto, heard }));
