/** The import statements of one generated file: names are recorded while the body is written. */
import { exportedNames, nameOf } from "./names.ts";
import { type Body, type Node, type Schema, SchemaError } from "./schema-model.ts";

/** What generated code takes from the runtime; `type` = erased when the program runs. */
const runtimeNames = {
  AnyListBuilder: "type",
  float32OfBits: "value",
  float64OfBits: "value",
  float32Bits: "value",
  float64Bits: "value",
  ListReader: "type",
  MessageReader: "value",
  PointerBuilder: "type",
  PointerListBuilder: "type",
  PointerReader: "type",
  PrimitiveListBuilder: "type",
  StructBuilder: "value",
  StructListBuilder: "type",
  StructReader: "value",
  StructType: "type",
} as const;

export class Imports {
  readonly #schema: Schema;
  readonly #runtime = new Set<keyof typeof runtimeNames>();
  readonly #others = new Map<string, Set<string>>();

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  runtime(name: keyof typeof runtimeNames): string {
    this.#runtime.add(name);
    return name;
  }

  /** The node of an id; throws when the request does not hold it or it is of another kind. */
  node<K extends Body["kind"]>(id: bigint, kind: K): Node<Extract<Body, { kind: K }>> {
    const node = this.#schema.nodes.get(id);
    if (node?.body.kind !== kind)
      throw new SchemaError(`no ${kind} with id ${id.toString(16)} in ${this.#schema.file}`);
    return node as Node<Extract<Body, { kind: K }>>;
  }

  /** The TypeScript name of a node, with a suffix of {@link exportedNames}; imported when it is another file's. */
  name(node: Node, suffix: "" | "Reader" | "Builder" | "Names" = ""): string {
    const name = nameOf(node) + suffix;
    if (!exportedNames(node).includes(name)) throw new SchemaError(`${node.path} has no ${suffix}`);
    if (node.file === this.#schema.file) return name;
    const module = moduleOf(node.file);
    const names = this.#others.get(module) ?? new Set();
    this.#others.set(module, names.add(suffix === "Reader" || suffix === "Builder" ? `type ${name}` : name));
    return name;
  }

  lines(): string[] {
    const runtime = [...this.#runtime].sort().map((name) => (runtimeNames[name] === "type" ? `type ${name}` : name));
    const lines = runtime.length === 0 ? [] : [importOf(runtime, "quicproquo-rpc/message")];
    for (const [module, names] of [...this.#others].sort()) lines.push(importOf([...names].sort(), module));
    return lines;
  }
}

function importOf(names: readonly string[], module: string): string {
  return `import { ${names.join(", ")} } from "${module}";`;
}

/** Generated files of schemas that import one another lie in one folder. */
function moduleOf(file: string): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  return `./${name.replace(/\.capnp$/, ".ts")}`;
}
