/** The generator is reproducible, finds what is not up to date, and refuses what it cannot make. Needs the capnp tool. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { run } from "../generator/command.ts";
import { installedVersion } from "../generator/compiler.ts";
import { type Target, targets } from "../generator/targets.ts";

const packageFolder = path.dirname(import.meta.dirname);

/** A folder of its own for a test; `generate` runs the command line there. */
function workplace(context: TestContext, schemas: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "qpq-generator-"));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(schemas)) writeFileSync(path.join(folder, name), text);
  const own = Object.keys(schemas).map((schema): Target => {
    const name = schema.replace(/\.capnp$/, "");
    return { schema, module: `gen/${name}.ts`, request: `gen/${name}.bin` };
  });
  const printed: string[] = [];
  const generate = (args: readonly string[] = [], chosen: readonly Target[] = own): number =>
    run(args, { folder, targets: chosen, print: (line) => printed.push(line) });
  return { folder, printed, generate, file: (name: string) => path.join(folder, name) };
}

/** Copies a target's schema, module and request, so that a test may spoil them. */
function copyTarget(folder: string, target: Target): void {
  for (const file of [target.schema, target.module, target.request]) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(packageFolder, file), path.join(folder, file));
  }
}

function withoutCapnp<T>(action: () => T): T {
  const before = process.env.PATH;
  process.env.PATH = "";
  try {
    return action();
  } finally {
    process.env.PATH = before;
  }
}

const nodeTarget = targets[0] as Target;
const point = "struct Point { x @0 :Int32; }";

test("the capnp tool is installed", () => {
  assert.match(installedVersion() ?? "missing: apt-get install capnproto", /^\d+\.\d+\.\d+$/);
});

test("what is committed is what the schemas give", () => {
  const printed: string[] = [];
  const code = run(["--check"], { folder: packageFolder, targets, print: (line) => printed.push(line) });
  assert.deepEqual(printed, []);
  assert.equal(code, 0);
});

test("what is committed can be made and checked without the capnp tool", (context) => {
  const { folder, file, generate } = workplace(context);
  copyTarget(folder, nodeTarget);
  const module = readFileSync(file(nodeTarget.module), "utf8");
  rmSync(file(nodeTarget.module));
  // Without the module nothing says which schema the request was made from, so the tool is asked for.
  assert.equal(
    withoutCapnp(() => generate([], [nodeTarget])),
    1,
  );
  writeFileSync(file(nodeTarget.module), module.replace("class AuthReader", "class Edited"));
  assert.equal(
    withoutCapnp(() => generate(["--check"], [nodeTarget])),
    1,
  );
  assert.equal(
    withoutCapnp(() => generate([], [nodeTarget])),
    0,
  );
  assert.equal(readFileSync(file(nodeTarget.module), "utf8"), module);
  assert.equal(
    withoutCapnp(() => generate(["--check"], [nodeTarget])),
    0,
  );
});

test("--check finds an edited module and says where", (context) => {
  const { folder, file, generate, printed } = workplace(context);
  copyTarget(folder, nodeTarget);
  const module = readFileSync(file(nodeTarget.module), "utf8");
  writeFileSync(file(nodeTarget.module), module.replace("this.getUint16(0)", "this.getUint16(2)"));
  assert.equal(generate(["--check"], [nodeTarget]), 1);
  assert.match(
    printed[0] ?? "",
    /^src\/gen\/node\.ts: line \d+ is .*getUint16\(2\).* the generator writes .*getUint16\(0\)/,
  );
});

test("--check finds an edited schema, with and without the capnp tool", (context) => {
  const { folder, file, generate, printed } = workplace(context);
  copyTarget(folder, nodeTarget);
  writeFileSync(file(nodeTarget.schema), `${readFileSync(file(nodeTarget.schema), "utf8")}\n# edited\n`);
  assert.equal(generate(["--check"], [nodeTarget]), 1);
  assert.equal(
    withoutCapnp(() => generate(["--check"], [nodeTarget])),
    1,
  );
  assert.match(printed[0] ?? "", /was not made from this node\.capnp/);
});

test("--check finds a request that is not what the capnp tool makes", (context) => {
  const { file, generate, printed } = workplace(context, { "a.capnp": `@0xd0c1a5f27b3e9801;\n${point}` });
  assert.equal(generate(), 0);
  assert.equal(generate(["--check"]), 0);
  const request = readFileSync(file("gen/a.bin"));
  writeFileSync(file("gen/a.bin"), new Uint8Array([...request, 0, 0, 0, 0, 0, 0, 0, 0]));
  assert.equal(generate(["--check"]), 1);
  assert.match(printed.join("\n"), /gen\/a\.bin: is not what capnp makes of a\.capnp/);
});

test("making the same again writes nothing", (context) => {
  const { generate, printed } = workplace(context, { "a.capnp": `@0xd0c1a5f27b3e9801;\n${point}` });
  assert.equal(generate(), 0);
  assert.deepEqual(printed, ["wrote gen/a.bin", "wrote gen/a.ts"]);
  assert.equal(generate(), 0);
  assert.equal(printed.length, 2);
});

const refused: Readonly<Record<string, { schema: string; text: RegExp }>> = {
  "a generic struct": {
    schema: "struct Box(T) { value @0 :T; }",
    text: /^a\.capnp:Box is generic; generics are not generated$/,
  },
  "a use of a generic struct of another file": {
    schema: 'using Other = import "other.capnp"; struct S { box @0 :Other.Box(Text); }',
    text: /^other\.capnp:Box is generic; generics are not generated$/,
  },
  "a generic struct in a struct": {
    schema: "struct Outer { struct Inner(T) { value @0 :T; } }",
    text: /^a\.capnp:Outer\.Inner is generic; generics are not generated$/,
  },
  "a generic interface": {
    schema: "interface I(T) { get @0 () -> (value :T); }",
    text: /^a\.capnp:I\.get\$Params is generic; generics are not generated$/,
  },
  "an interface that extends a generic one": {
    schema: "interface A(T) {} interface B extends(A(Text)) {}",
    text: /^a\.capnp:A is generic; generics are not generated$/,
  },
  "a generic method": {
    schema: "interface I { get @0 [T] () -> (value :T); }",
    text: /^a\.capnp:I\.get\$Params is generic; generics are not generated$/,
  },
  "a streaming method": {
    schema: "interface I { put @0 (data :Data) -> stream; }",
    text: /^a\.capnp:I\.put is a stream; streaming methods are not generated$/,
  },
  "two paths of one name": {
    schema: "struct Outer { struct Inner {} } struct OuterInner {}",
    text: /would both be named OuterInner/,
  },
  "a method that hides an inherited one": {
    schema: "interface A { go @0 (); } interface B extends(A) { go @0 (); }",
    text: /B has two methods named go/,
  },
  "a name that generated code needs": {
    schema: "struct Uint8Array {}",
    text: /Uint8Array would hide the type that Data fields have/,
  },
  "a schema that capnp refuses": { schema: "struct S { a @1 :Text; }", text: /capnp refuses a\.capnp/ },
};
for (const [name, { schema, text }] of Object.entries(refused)) {
  test(`${name} is refused with a clear message`, (context) => {
    const { folder, file, generate, printed } = workplace(context, { "a.capnp": `@0xd0c1a5f27b3e9801;\n${schema}` });
    writeFileSync(file("other.capnp"), "@0xd0c1a5f27b3e9802;\nstruct Box(T) { value @0 :T; }");
    assert.equal(generate(), 1);
    assert.match(printed.join("\n"), text);
    assert.deepEqual(readdirSync(folder).sort(), ["a.capnp", "other.capnp"], "nothing was written");
  });
}

test("a wrong argument is wrong usage", (context) => {
  const { generate, printed } = workplace(context);
  assert.equal(generate(["--chek"]), 2);
  assert.match(printed[0] ?? "", /^usage: /);
});
