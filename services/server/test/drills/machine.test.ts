/** Drills on one machine: settings, files, ports, the network, the embedded store. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { appendFileSync, chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ServerProcess } from "../../testing/server-process.ts";
import { RawClient } from "../e2e/raw-client.ts";
import { writeCertificate } from "./dated-certificate.ts";
import { type Drill, runDrills } from "./drill.ts";
import type { Site } from "./site.ts";

const recipientKey = new Uint8Array(32).fill(1);
/** The server of the drill of the full disk. */
let filled: ServerProcess;

async function takenUdpPort(site: Site): Promise<number> {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  site.owned.defer(() => void socket.close());
  return socket.address().port;
}

async function takenTcpPort(site: Site): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  site.owned.defer(() => void server.close());
  return (server.address() as { port: number }).port;
}

/** In a network of its own, where a firewall may be told anything: the doctor's findings before and after. */
const inOwnNetwork = (commands: string): string => `unshare --net sh -c 'ip link set lo up; ${commands}'`;
const drops = "nft add table inet filter; nft add chain inet filter input { type filter hook input priority 0 \\; }";

runDrills("on one machine", [
  {
    failure: "a flag with a slip of the pen",
    code: "E048_USAGE",
    see: (site) => site.fails("qpq-server --prot 7000"),
    next: /Try: (qpq-server --help)/,
    help: async (site, command) => assert.match(await site.does(command), /--port /),
  },
  {
    failure: "a value out of its bounds",
    code: "D01_SETTINGS",
    see: (site) => site.finds("D01_SETTINGS", "--workers 0"),
    next: /next: (qpq-server --help)/,
    help: async (site, command) => {
      assert.match(await site.does(command), /--workers .*1 /);
      await site.findsNoMore("D01_SETTINGS", "--workers 1");
    },
  },
  {
    failure: "production with a token for everybody",
    code: "E046_CONFIG",
    see: (site) => site.refuses({ settings: { production: true }, env: { QPQ_AUTH_TOKEN: "devtoken" } }),
    next: /(unset QPQ_AUTH_TOKEN)/,
    help: async (site) => {
      const flags = await writeCertificate(site.folder, { from: -1, until: 100 });
      await site.does(`unset QPQ_AUTH_TOKEN; qpq-server config check --production ${flags}`, {
        QPQ_AUTH_TOKEN: "devtoken",
      });
    },
  },
  {
    failure: "a private key that others can read",
    code: "E046_CONFIG",
    see: async (site) => {
      await site.wasUsed();
      chmodSync(join(site.dataDir, "server-key.der"), 0o644);
      return await site.refuses();
    },
    next: /run: (chmod 600 \S+)/,
    help: async (site, command) => {
      await site.does(command);
      await site.starts();
    },
  },
  {
    failure: "a secret that others can read",
    code: "D05_FILE_MODE",
    see: async (site) => {
      await site.wasUsed();
      chmodSync(join(site.dataDir, "opaque-setup"), 0o640);
      return await site.finds("D05_FILE_MODE");
    },
    next: /next: (chmod 600 \S+)/,
    help: async (site, command) => {
      await site.does(command);
      await site.findsNoMore("D05_FILE_MODE");
      await site.starts();
    },
  },
  {
    failure: "an expired certificate",
    code: "D03_CERTIFICATE",
    see: async (site) => site.finds("D03_CERTIFICATE", await writeCertificate(site.folder, { from: -10, until: -1 })),
    next: /next: (openssl .*);/,
    help: async (site, command) => {
      await site.does(command);
      await site.findsNoMore("D03_CERTIFICATE", `--tls-cert ${site.folder}/cert.pem --tls-key ${site.folder}/key.pem`);
    },
  },
  {
    failure: "a clock that is behind the certificate",
    code: "E046_CONFIG",
    see: async (site) => {
      const flags = await writeCertificate(site.folder, { from: 2, until: 100 });
      return await site.fails(`qpq-server ${flags}`);
    },
    next: /(look at this machine's clock)/,
    // the clock of this machine is right, so the certificate is what is wrong
    help: async (site) => {
      assert.equal((await site.does("date -u +%Y")).trim(), String(new Date().getUTCFullYear()));
      await site.does(`qpq-server config check ${await writeCertificate(site.folder, { from: -1, until: 100 })}`);
    },
  },
  {
    failure: "a certificate that ends in days",
    code: "D04_CERTIFICATE_ENDS",
    see: async (site) =>
      site.finds("D04_CERTIFICATE_ENDS", await writeCertificate(site.folder, { from: -1, until: 9 })),
    next: /next: (openssl .*);/,
    help: async (site, command) => {
      await site.does(command);
      await site.findsNoMore(
        "D04_CERTIFICATE_ENDS",
        `--tls-cert ${site.folder}/cert.pem --tls-key ${site.folder}/key.pem`,
      );
    },
  },
  {
    failure: "a key without its certificate",
    code: "D03_CERTIFICATE",
    see: async (site) => {
      await site.wasUsed();
      rmSync(join(site.dataDir, "server-cert.der"));
      return await site.finds("D03_CERTIFICATE");
    },
    next: /next: (rm -f \S+ \S+);/,
    help: async (site, command) => {
      await site.does(command);
      await site.starts();
    },
  },
  {
    failure: "a data folder of somebody else",
    code: "D11_DATA_FOLDER",
    see: async (site) => {
      chmodSync(site.folder, 0o755);
      mkdirSync(site.dataDir, { mode: 0o700 });
      const said = await site.sh("setpriv --reuid 65534 --clear-groups qpq-server doctor --json");
      const found = JSON.parse(said.words).find(({ code }: { code: string }) => code === "D11_DATA_FOLDER");
      return `${found.code} ${found.text}; next: ${found.next}`;
    },
    next: /next: (chown 65534 \S+)/,
    help: async (site, command) => {
      await site.does(command);
      await site.does("setpriv --reuid 65534 --clear-groups qpq-server doctor");
    },
  },
  {
    failure: "a full disk",
    code: "E035_STORE_FULL",
    see: async (site) => {
      mkdirSync(site.dataDir);
      await site.does(`mount -t tmpfs -o size=40m tmpfs ${site.dataDir}`);
      site.owned.defer(async () => void (await site.sh(`umount --lazy ${site.dataDir}`)));
      filled = await site.starts();
      using client = await RawClient.connect(filled);
      writeFileSync(join(site.dataDir, "others"), Buffer.alloc(24 * 2 ** 20, 1));
      const payload = Buffer.alloc(2 ** 20, 1);
      const error = await (async () => {
        for (;;) await client.call("enqueue", { recipientKey, payload });
      })().catch((refused: Error) => refused);
      return `${error.message}\n${await site.finds("D10_DISK_SPACE")}`;
    },
    next: /next: (du .*; df .*)/,
    help: async (site, command) => {
      assert.match(await site.does(command), /24M\s+\S+others/);
      rmSync(join(site.dataDir, "others"));
      using client = await RawClient.connect(filled);
      await client.call("enqueue", { recipientKey: new Uint8Array(32).fill(2), payload: Buffer.alloc(2 ** 20, 1) });
    },
  },
  {
    failure: "two servers on one folder",
    code: "E036_STORE_LOCKED",
    see: async (site) => {
      await site.starts();
      return await site.refuses();
    },
    next: /name another folder with (--data-dir)/,
    help: (site) => site.starts({ dataDir: join(site.folder, "other") }),
  },
  {
    failure: "a store file of a newer version",
    code: "E037_STORE_SCHEMA",
    see: async (site) => {
      await site.wasUsed();
      const db = new DatabaseSync(join(site.dataDir, "qpq.db"));
      db.exec("PRAGMA user_version = 1000");
      db.close();
      return await site.refuses();
    },
    next: /name another folder with (--data-dir)/,
    help: (site) => site.starts({ dataDir: join(site.folder, "other") }),
  },
  {
    failure: "a store file that is no database any more",
    code: "D12_STORE_FILE",
    see: async (site) => {
      await site.wasUsed();
      await site.does(`qpq-server backup ${site.folder}/saved`);
      writeFileSync(join(site.dataDir, "qpq.db"), "overwritten ".repeat(1_000));
      return await site.finds("D12_STORE_FILE");
    },
    next: /next: (mv .*; qpq-server restore FOLDER)/,
    help: async (site, command) => {
      await site.does(command.replace("FOLDER", `${site.folder}/saved`));
      await site.findsNoMore("D12_STORE_FILE");
      await site.starts();
    },
  },
  {
    failure: "a UDP port that another program has",
    code: "E047_PORT_IN_USE",
    see: async (site) => site.fails(`qpq-server --port ${await takenUdpPort(site)}`),
    next: /with (--port 0)/,
    help: (site) => site.starts({ port: 0 }),
  },
  {
    failure: "a TCP port for the pages that another program has",
    code: "E047_PORT_IN_USE",
    see: async (site) => site.fails(`qpq-server --ops-port ${await takenTcpPort(site)}`),
    next: /try (--ops-port 0)/,
    help: (site) => site.starts(),
  },
  {
    failure: "a UDP port whose holder nobody knows",
    code: "D06_PORT_TAKEN",
    see: async (site) => site.finds("D06_PORT_TAKEN", `--port ${await takenUdpPort(site)}`),
    next: /next: (ss -lunp .*)/,
    help: async (site, command) => assert.match(await site.does(command), new RegExp(`pid=${process.pid}\\b`)),
  },
  {
    failure: "UDP that a firewall drops",
    code: "D07_UDP_BLOCKED",
    see: async (site) => {
      const doctor = "qpq-server doctor --port 7000";
      return (await site.sh(inOwnNetwork(`${drops}; nft add rule inet filter input udp dport 7000 drop; ${doctor}`)))
        .words;
    },
    next: /next: (nft insert rule .*)/,
    help: async (site, command) => {
      const rules = `${drops}; nft add rule inet filter input udp dport 7000 drop; ${command}`;
      assert.match(
        await site.does(inOwnNetwork(`${rules}; qpq-server doctor --port 7000`)),
        /ok +udp +datagrams come back/,
      );
    },
  },
  {
    failure: "socket buffers that the kernel cuts",
    code: "D08_SOCKET_BUFFERS",
    see: (site) => site.finds("D08_SOCKET_BUFFERS", `--socket-buffer-bytes ${bytesBeyondTheKernels()}`),
    next: /next: (sysctl -w net\.core\.rmem_max=\d+ net\.core\.wmem_max=\d+)/,
    help: async (site, command) => {
      const flags = `--socket-buffer-bytes ${bytesBeyondTheKernels()}`;
      const before = ["rmem_max", "wmem_max"].map((name) => [name, readFileSync(`/proc/sys/net/core/${name}`, "utf8")]);
      // the machine's own setting: as it was, afterwards
      site.owned.defer(() =>
        before.forEach(([name, value]) => writeFileSync(`/proc/sys/net/core/${name}`, String(value))),
      );
      await site.does(command);
      await site.findsNoMore("D08_SOCKET_BUFFERS", flags);
    },
  },
  {
    failure: "a client with the pin of another server",
    code: "E041_CERTIFICATE",
    see: async (site) => {
      const server = await site.starts();
      return await site.fails(
        `qpq-server probe 127.0.0.1:${server.port} --pin sha256:${Buffer.alloc(32).toString("base64")}`,
      );
    },
    next: /the pin that the server prints at its start, and give it with (--pin)/,
    help: async (site) => {
      const server = await site.starts({ dataDir: join(site.folder, "other") });
      const [pin] = /sha256:\S{43}=/.exec(server.words) ?? [];
      await site.does(`qpq-server probe 127.0.0.1:${server.port} --pin ${pin}`);
    },
  },
  {
    failure: "a server that nobody has started",
    code: "E040_CONNECT_FAILED",
    see: async (site) => {
      await site.wasUsed();
      return await site.fails("qpq-server probe 127.0.0.1:1");
    },
    next: /run (qpq-server doctor)/,
    help: async (site, command) => assert.match(await site.does(command), /no server listens there yet/),
  },
  {
    failure: "pages of metrics that are somewhere else",
    code: "E040_CONNECT_FAILED",
    see: (site) => site.fails("qpq-server top --once --ops-port 1"),
    next: /with --ops-host and (--ops-port)/,
    help: async (site, flag) => {
      const { opsPort } = await site.starts();
      await site.does(`qpq-server top --once --interval 0.1 ${flag} ${opsPort}`);
    },
  },
  {
    failure: "a backup onto an older one",
    code: "E081_WOULD_OVERWRITE",
    see: async (site) => {
      await site.wasUsed();
      await site.does("qpq-server backup saved");
      return await site.fails("qpq-server backup saved");
    },
    next: /name (a folder that is not)/,
    help: (site) => site.does("qpq-server backup saved-again"),
  },
  {
    failure: "a restore over a store",
    code: "E081_WOULD_OVERWRITE",
    see: async (site) => {
      await site.wasUsed();
      await site.does("qpq-server backup saved");
      return await site.fails("qpq-server restore saved");
    },
    next: /move that one away: (mv \S+ \S+)/,
    help: async (site, command) => {
      await site.does(command);
      await site.does("qpq-server restore saved");
      await site.starts();
    },
  },
  {
    failure: "a damaged backup",
    code: "E080_BACKUP",
    see: async (site) => {
      await site.wasUsed();
      await site.does("qpq-server backup saved");
      cpSync(join(site.folder, "saved"), join(site.folder, "damaged"), { recursive: true });
      appendFileSync(join(site.folder, "damaged", "qpq.db"), "x");
      return await site.fails("qpq-server restore damaged --data-dir new");
    },
    next: /(take another backup)/,
    help: async (site) => {
      await site.does("qpq-server backup another");
      await site.does("qpq-server restore another --data-dir new");
    },
  },
] satisfies readonly Drill[]);

function bytesBeyondTheKernels(): number {
  return kernelBytes + 2 ** 16;
}
const kernelBytes = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
