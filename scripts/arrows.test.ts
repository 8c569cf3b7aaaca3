/** The arrows of ARCHITECTURE.md are held by the linter: each forbidden import, planted, is refused; the allowed one is not. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "qpq-arrows-"));
after(() => rmSync(folder, { recursive: true, force: true }));
copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));

const forbidden: readonly (readonly [file: string, importOf: string])[] = [
  ["services/rpc/src/planted.ts", "node:net"],
  ["services/rpc/src/message/planted.ts", "quicproquo-proto"],
  ["schemas/src/planted.ts", "node:crypto"],
  ["schemas/src/planted.ts", "./gen/node.ts"],
  ["services/transport/src/memory/planted.ts", "@matrixai/quic/native/quiche.js"],
  ["services/transport/src/quic/planted.ts", "quicproquo-rpc"],
  ["services/server/src/planted.ts", "quicproquo-core"],
  ["services/server/src/store/planted.ts", "ts-mls"],
  ["services/server/src/store/sqlite/planted.ts", "../../delivery/delivery.ts"],
  ["services/server/src/delivery/planted.ts", "quicproquo-transport"],
  ["services/server/src/delivery/planted.ts", "node:fs"],
  ["services/server/src/keys/planted.ts", "../store/memory.ts"],
  ["services/server/src/keys/planted.ts", "../calls/interface-server.ts"],
  ["services/server/src/access/planted.ts", "../store/sqlite/sqlite-store.ts"],
  ["services/server/src/accounts/planted.ts", "../calls/scope.ts"],
  ["services/server/src/blobs/planted.ts", "node:fs"],
  ["services/server/src/calls/planted.ts", "../store/memory.ts"],
  ["services/server/src/calls/planted.ts", "quicproquo-transport/quic"],
  ["services/server/src/calls/planted.ts", "../processes/keeper.ts"],
  ["services/server/src/planted.ts", "./main.ts"],
  ["client/core/src/planted.ts", "quicproquo-transport"],
  ["client/sdk/src/planted.ts", "quicproquo-server"],
  ["client/cli/src/planted.ts", "quicproquo-rpc"],
  ["client/cli/src/commands/planted.ts", "quicproquo-transport/quic"],
  ["loadtest/src/open-loop/planted.ts", "quicproquo-server/testing"],
  ["loadtest/src/open-loop/actions/planted.ts", "../../delivery/front-ends.ts"],
  ["loadtest/src/agent/planted.ts", "quicproquo-server"],
];
const allowed: readonly (readonly [file: string, importOf: string])[] = [
  ["services/server/src/delivery/planted.ts", "node:crypto"],
  ["services/server/src/delivery/planted.ts", "../store/port.ts"],
  ["services/server/src/calls/planted.ts", "../store/port.ts"],
  ["services/transport/src/quic/planted.ts", "@matrixai/quic/native/quiche.js"],
  ["schemas/src/messages.ts", "./gen/node.ts"],
  ["loadtest/src/delivery/planted.ts", "quicproquo-server/testing"],
];

for (const [file, name] of forbidden) {
  test(`${dirname(file)} does not import ${name}`, () => {
    assert.match(lint(file, name), /no-restricted-imports/);
  });
}
for (const [file, name] of allowed) {
  test(`${dirname(file)} may import ${name}`, () => {
    assert.doesNotMatch(lint(file, name), /no-restricted-imports/);
  });
}

function lint(file: string, name: string): string {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { planted } from "${name}";\nexport const used = planted;\n`);
  const run = spawnSync(join(root, "node_modules/.bin/oxlint"), [file], { cwd: folder, encoding: "utf8" });
  rmSync(path);
  assert.equal(run.error, undefined);
  return run.stdout + run.stderr;
}
