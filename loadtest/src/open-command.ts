/** `npm run bench -- open SCENARIO`: what `qpq bench` does, against a server of its own that ends with it. */
import { parseArgs } from "node:util";
import { QpqError } from "quicproquo-proto";
import { ensurePostgres, ensureRedis } from "../../scripts/apt.ts";
import { startCluster } from "./delivery/cluster.ts";
import { type FrontEnd, startEmbedded, startFrontEnd } from "./delivery/front-ends.ts";
import { bench, benchFlags, benchHelp } from "./open-loop/bench.ts";

const ownFlags = {
  store: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** Everybody comes from one address. */
const settings = { "connections-per-address-max": 100_000 } as const;

/** E048_USAGE, and those of `bench`. */
export async function open(args: readonly string[]): Promise<void> {
  const { values, positionals: words } = parsed(args);
  if (values.help === true) return void process.stdout.write(benchHelp("npm run bench -- open", more));
  const { store = "embedded", json = false, help: _, ...flags } = values;
  if (store !== "embedded" && store !== "cluster") {
    throw new QpqError("E048_USAGE", { text: `--store is embedded or cluster, not ${store}` });
  }
  await using started = new AsyncDisposableStack();
  let token = "";
  await bench(words, flags, {
    server: async () => {
      const frontEnd = await serverOf(store, started);
      ({ token } = frontEnd.address);
      return addressOf(frontEnd);
    },
    accessToken: () => Buffer.from(token),
    versions: { store },
    data: (text, fields) => process.stdout.write(`${json ? JSON.stringify(fields) : text}\n`),
    say: (text) => process.stderr.write(`${text}\n`),
  });
}

const more = `
--store embedded (default) or cluster: what the server of its own stores in. --json prints a result a line.
`;

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { ...benchFlags, ...ownFlags }, allowPositionals: true });
  } catch (cause) {
    throw new QpqError("E048_USAGE", { text: (cause as Error).message, cause });
  }
}

async function serverOf(store: "embedded" | "cluster", started: AsyncDisposableStack): Promise<FrontEnd> {
  if (store === "embedded") return started.use(await startEmbedded({ settings }));
  ensurePostgres();
  ensureRedis();
  const { address } = started.use(await startCluster());
  return started.use(await startFrontEnd(address, { settings }));
}

function addressOf({ address: { host, port, certificateBase64 } }: FrontEnd) {
  const trust = { caCertificate: Buffer.from(certificateBase64, "base64") };
  return { host, port, serverName: "localhost", trust, transport: "quic" } as const;
}
