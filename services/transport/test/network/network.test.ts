/** Test networks keep their own promises: nothing is left of them, they say why they cannot be, their faults are there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { TestNetwork } from "../../testing/index.ts";
import { until } from "../quic-pair.ts";

const program = fileURLToPath(new URL("network-process.ts", import.meta.url));

it("leaves no process and no namespace when the process that opened it is killed", {
  timeout: 10_000,
}, async (test) => {
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  test.after(() => child.kill("SIGKILL"));
  const [words] = (await once(child.stdout, "data")) as [Buffer];
  const spaces: string[] = JSON.parse(words.toString());
  assert.equal(spaces.length, 2);
  // in each its keeper, and one that was started inside
  for (const space of spaces) assert.equal(processesIn(space), 2);
  child.kill("SIGKILL");
  await once(child, "exit");
  await until(() => spaces.every((space) => processesIn(space) === 0));
});

for (const capability of ["sys_admin", "net_admin"]) {
  it(`says what is missing where CAP_${capability.toUpperCase()} is`, async () => {
    const argv = [`--bounding-set=-${capability}`, "--", process.execPath, program];
    const child = spawn("setpriv", argv, { stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    child.stderr.on("data", (chunk: Buffer) => {
      words += chunk.toString();
    });
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, 1);
    assert.match(words, new RegExp(`CAP_${capability.toUpperCase()}`));
    assert.match(words, /not permitted/);
  });
}

it("counts fragments, and loses what it is told to lose", async () => {
  await using network = await TestNetwork.open({ mtuBytes: 1_280 });
  const send = (bytes: number, datagrams: number): void => {
    const script = `
      const socket = require("node:dgram").createSocket("udp4");
      let left = ${datagrams};
      const next = () => left-- > 0 ? socket.send(Buffer.alloc(${bytes}), 9, "${network.serverHost}", next) : socket.close();
      next();
    `;
    network.client.run([process.execPath, "-e", script]);
  };
  send(1_252, 1);
  assert.equal(network.counts().fragments, 0);
  send(1_253, 1);
  assert.equal(network.counts().fragments, 2);
  network.lose({ seed: 1, toServerPercent: 20, toClientPercent: 0 });
  send(100, 997);
  assert.equal(network.counts().lostToServer, 199, "20 % of 997");
});

it("opens no more networks at a time than its limit", async () => {
  await using stack = new AsyncDisposableStack();
  for (let i = 0; i < 4; i++) stack.use(await TestNetwork.open());
  await assert.rejects(TestNetwork.open(), /4 test networks/);
});

/** How many processes are in the network namespace of this name, e.g. net:[4026532247]. */
function processesIn(space: string): number {
  const spaceOf = (pid: string): string | undefined => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return undefined; // it has just ended
    }
  };
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => spaceOf(pid) === space).length;
}
