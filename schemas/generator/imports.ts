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
  /** What each name in the file stands for: `module name`. Names of the file's own nodes stand there from the beginning. */
  readonly #meanings = new Map<string, string>();
  /** By module: what is imported, as the statement says it. */
  readonly #imported = new Map<string, Set<string>>();

  constructor(schema: Schema) {
    this.#schema = schema;
    for (const node of schema.nodes.values()) {
      if (node.file !== schema.file) continue;
      for (const name of exportedNames(node)) this.#meanings.set(name, `. ${name}`);
    }
  }

  /** The name under which the file knows it: another one when a node of the schema is named like it. */
  runtime(name: keyof typeof runtimeNames): string {
    return this.#import({
      module: "quicproquo-rpc/message",
      name,
      prefix: "Runtime",
      isType: runtimeNames[name] === "type",
    });
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
    const file = node.file.slice(node.file.lastIndexOf("/") + 1).replace(/\.capnp$/, "");
    const isType = suffix === "Reader" || suffix === "Builder";
    // generated files of schemas that import one another lie in one folder
    return this.#import({ module: `./${file}.ts`, name, prefix: pascal(file), isType });
  }

  lines(): string[] {
    const modules = [...this.#imported].sort(([a], [b]) => moduleOrder(a).localeCompare(moduleOrder(b)));
    return modules.map(([module, names]) => `import { ${[...names].sort(byName).join(", ")} } from "${module}";`);
  }

  #import({ module, name, prefix, isType }: Imported): string {
    const meaning = `${module} ${name}`;
    let local = name;
    while ((this.#meanings.get(local) ?? meaning) !== meaning) local = prefix + local;
    this.#meanings.set(local, meaning);
    const names = this.#imported.get(module) ?? new Set();
    this.#imported.set(module, names.add(`${isType ? "type " : ""}${name}${local === name ? "" : ` as ${local}`}`));
    return local;
  }
}

type Imported = { readonly module: string; readonly name: string; readonly prefix: string; readonly isType: boolean };

function byName(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => name.replace("type ", "")) as [string, string];
  return first < second ? -1 : 1;
}

/** Packages before neighbours. */
function moduleOrder(module: string): string {
  return module.startsWith(".") ? `1${module}` : `0${module}`;
}

/** `two-words` -> `TwoWords` */
function pascal(file: string): string {
  return file.replace(/(?:^|\W)(\w)/g, (_, letter: string) => letter.toUpperCase());
}
