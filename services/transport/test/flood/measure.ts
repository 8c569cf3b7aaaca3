/**
 * Floods of any length, for whoever wants to know: `node services/transport/test/flood/measure.ts --seconds 10 [KIND...]`.
 * Not a test: it prints, and asserts nothing.
 */
import { parseArgs } from "node:util";
import { trusted } from "../quic-pair.ts";
import { ServerChild } from "../server-child.ts";
import { HonestCrowd } from "./honest-crowd.ts";
import { describe, Flooder, type FloodKind, floodKinds } from "./run-flood.ts";

const { values, positionals } = parseArgs({
  options: { seconds: { type: "string", default: "10" } },
  allowPositionals: true,
});
const kinds = (positionals.length > 0 ? positionals : Object.keys(floodKinds)) as FloodKind[];

await using flooder = await Flooder.build();
const server = await ServerChild.start(trusted);
const crowd = await HonestCrowd.connect(server.port, 20);
for (const kind of kinds) {
  const result = await flooder.flood({ server, crowd }, { kind, seconds: Number(values.seconds) });
  const faults = result.after.faults.length;
  process.stdout.write(`${kind}: ${describe(result)}; ${crowd.lost.length} sessions lost, ${faults} faults\n`);
}
crowd[Symbol.dispose]();
await server.kill();
