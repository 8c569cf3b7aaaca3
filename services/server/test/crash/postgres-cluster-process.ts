/** A test process that is killed with a Postgres of its own running: prints its folder and its server's number. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PostgresCluster } from "../../testing/postgres.ts";

const { folder } = await PostgresCluster.start();
const [pid] = readFileSync(join(folder, "data", "postmaster.pid"), "utf8").split("\n");
process.stdout.write(`${JSON.stringify({ folder, pid: Number(pid) })}\n`);
process.stdin.resume();
