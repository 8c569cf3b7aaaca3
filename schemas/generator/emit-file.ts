/** One schema -> the text of one TypeScript module: enums, structs, interfaces (superclasses first), constants. */
import { emitBuilder } from "./emit-builder.ts";
import { emitReader, pointerConstant } from "./emit-reader.ts";
import { readPointer, readType } from "./emit-type.ts";
import { Imports } from "./imports.ts";
import { nameOf, refuseClashes } from "./names.ts";
import { type Body, type Node, type Schema, SchemaError, type StructBody } from "./schema-model.ts";
import { bytesLiteral, docComment, hexId, literal } from "./source-text.ts";

export function emitFile(schema: Schema, header: readonly string[]): string {
  refuseClashes(schema);
  const imports = new Imports(schema);
  const nodes = [...schema.nodes.values()].filter((node) => node.file === schema.file);
  const blocks = [
    ...only(nodes, "enum").map(emitEnum),
    ...only(nodes, "struct").map((node) => emitStruct(node, imports)),
    ...superclassesFirst(only(nodes, "interface")).map((node) => emitInterface(node, imports)),
    ...only(nodes, "const").map((node) => emitConst(node, imports)),
  ];
  const head = [...header.map((line) => `// ${line}`), ...docComment(schema.fileDoc)];
  return `${[[...head, ...imports.lines()], ...blocks].map((block) => block.join("\n")).join("\n\n")}\n`;
}

type BodyOf<K extends Body["kind"]> = Extract<Body, { kind: K }>;

function only<K extends Body["kind"]>(nodes: readonly Node[], kind: K): Node<BodyOf<K>>[] {
  return nodes.filter((node): node is Node<BodyOf<K>> => node.body.kind === kind);
}

function emitEnum(node: Node<BodyOf<"enum">>): string[] {
  const name = nameOf(node);
  const { enumerants } = node.body;
  return [
    ...docComment(node.doc),
    `export const ${name} = {`,
    ...enumerants.flatMap((it, number) => [...docComment(it.doc, "  "), `  ${it.name}: ${number},`]),
    "} as const;",
    `export type ${name} = keyof typeof ${name};`,
    "/** By number. */",
    `export const ${name}Names = [${enumerants.map((it) => `"${it.name}"`).join(", ")}] as const;`,
  ];
}

function emitStruct(node: Node<StructBody>, imports: Imports): string[] {
  const name = nameOf(node);
  const { dataWords, pointerWords } = node.body;
  const constants: string[] = [];
  const reader = emitReader(node, imports, constants);
  const builder = emitBuilder(node, imports);
  return [
    ...constants,
    ...reader,
    ...builder,
    ...docComment(node.doc),
    `export const ${name}: ${imports.runtime("StructType")}<${name}Reader, ${name}Builder> = {`,
    `  name: "${node.path}",`,
    `  dataWords: ${dataWords},`,
    `  pointerWords: ${pointerWords},`,
    `  Reader: ${name}Reader,`,
    `  Builder: ${name}Builder,`,
    "};",
  ];
}

/** Methods of superclasses stand in the table too, with the interface id of where they are declared. */
function emitInterface(node: Node<BodyOf<"interface">>, imports: Imports): string[] {
  const { superclassIds, methods } = node.body;
  const superclasses = superclassIds.map((id) => imports.name(imports.node(id, "interface")));
  refuseRedeclared(node, imports);
  return [
    ...docComment(node.doc),
    `export const ${nameOf(node)} = {`,
    `  id: ${hexId(node.id)},`,
    `  name: "${node.path}",`,
    `  superclasses: [${superclasses.join(", ")}],`,
    "  methods: {",
    ...superclasses.map((superclass) => `    ...${superclass}.methods,`),
    ...methods.flatMap((method) => [
      ...docComment(method.doc, "    "),
      `    ${method.name}: {`,
      `      interfaceId: ${hexId(node.id)},`,
      `      ordinal: ${method.ordinal},`,
      `      name: "${method.name}",`,
      `      params: ${imports.name(imports.node(method.paramsId, "struct"))},`,
      `      results: ${imports.name(imports.node(method.resultsId, "struct"))},`,
      "    },",
    ]),
    "  },",
    "} as const;",
  ];
}

/** One table, one name: a method that hides an inherited one could not be called. */
function refuseRedeclared(node: Node<BodyOf<"interface">>, imports: Imports): void {
  const owners = new Map<string, bigint>();
  const visit = (id: bigint): void => {
    const { superclassIds, methods } = imports.node(id, "interface").body;
    for (const superclassId of superclassIds) visit(superclassId);
    for (const { name } of methods) {
      if ((owners.get(name) ?? id) !== id) throw new SchemaError(`${node.path} has two methods named ${name}`);
      owners.set(name, id);
    }
  };
  visit(node.id);
}

/** The compiler refuses interfaces that extend themselves, so this ends. */
function superclassesFirst(nodes: readonly Node<BodyOf<"interface">>[]): Node<BodyOf<"interface">>[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ordered = new Set<Node<BodyOf<"interface">>>();
  const visit = (node: Node<BodyOf<"interface">> | undefined): void => {
    if (node === undefined) return; // another file's
    for (const id of node.body.superclassIds) visit(byId.get(id));
    ordered.add(node);
  };
  for (const node of nodes) visit(node);
  return [...ordered];
}

function emitConst(node: Node<BodyOf<"const">>, imports: Imports): string[] {
  const { type, value } = node.body;
  const line = (typeScript: string, expression: string): string[] => [
    ...docComment(node.doc),
    `export const ${nameOf(node)}: ${typeScript} = ${expression};`,
  ];
  if (type.kind === "enum") {
    const declared = imports.node(type.id, "enum");
    return line(imports.name(declared), `${imports.name(declared, "Names")}[${literal(value)}]`);
  }
  const typeScript = readType(type, imports);
  if (!(value instanceof Uint8Array)) return line(typeScript, literal(value));
  if (type.kind === "data") return line(typeScript, bytesLiteral(value));
  return line(typeScript, readPointer(type, pointerConstant(value, imports), imports));
}
