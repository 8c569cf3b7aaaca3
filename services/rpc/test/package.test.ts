/** What the package as a whole promises: its README's example runs, and its sources need nothing but the language. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..");

/** What the generator makes of the README's interface, in short. */
const greeter = `
import { StructBuilder, StructReader } from "quicproquo-rpc/message";
class Reader extends StructReader { get name() { return this.getText(0); } get text() { return this.getText(0); } }
class Builder extends StructBuilder { set name(text) { this.setText(0, text); } set text(text) { this.setText(0, text); } }
const struct = { name: "struct", dataWords: 0, pointerWords: 1, Reader, Builder };
export const Greeter = { methods: { greet: { interfaceId: 1n, ordinal: 0, name: "greet", params: struct, results: struct } } };
`;

test("the README's example runs as it stands", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] as string;
  const folder = await mkdtemp(join(tmpdir(), "rpc-readme-"));
  try {
    const socketStream = pathToFileURL(join(root, "testing/socket-stream.ts")).href;
    const stream = `import { SocketStream } from ${JSON.stringify(socketStream)};
      export const streamOf = (socket) => new SocketStream(socket);`;
    const packages: Record<string, string> = {
      "quicproquo-rpc/message": pathToFileURL(join(root, "src/message/index.ts")).href,
      "quicproquo-rpc": pathToFileURL(join(root, "src/index.ts")).href,
    };
    for (const [name, source] of Object.entries({
      "greeter.ts": greeter,
      "stream.ts": stream,
      "example.ts": example,
    })) {
      const resolved = source.replace(
        /from "(quicproquo-rpc[^"]*)"/g,
        (_, wanted: string) => `from "${packages[wanted]}"`,
      );
      await writeFile(join(folder, name), resolved);
    }
    await writeFile(join(folder, "package.json"), `{ "type": "module" }`);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "example.ts")], { timeout: 20_000 });
    assert.equal(stdout, "Hello, world!\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("no source needs Node, a clock or chance", async () => {
  const forbidden =
    /from "node:|\bBuffer\b|\bprocess\.|Date\.now|new Date|performance\.|setTimeout|setInterval|Math\.random/;
  let files = 0;
  for (const name of await readdir(join(root, "src"), { recursive: true })) {
    if (!name.endsWith(".ts")) continue;
    files++;
    const code = (await readFile(join(root, "src", name), "utf8")).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    assert.doesNotMatch(code, forbidden, name);
  }
  assert.ok(files > 20);
});
