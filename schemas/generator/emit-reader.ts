/** The reader class of a struct: one getter a field, at the offset the compiler chose. */
import { float32Bits, float64Bits } from "quicproquo-rpc/message";
import { isPrimitive, primitiveInfo, readPointer, readType } from "./emit-type.ts";
import type { Imports } from "./imports.ts";
import { nameOf, readerMember } from "./names.ts";
import { type Field, type Node, SchemaError, type Slot, type StructBody, type Type } from "./schema-model.ts";
import { bytesLiteral, docComment, literal } from "./source-text.ts";

/** `constants` collects what must stand before the class: the arms of its union, defaults behind pointers. */
export function emitReader(node: Node<StructBody>, imports: Imports, constants: string[]): string[] {
  const { fields, tagByteOffset } = node.body;
  const lines = [
    ...docComment(node.doc),
    `export class ${nameOf(node)}Reader extends ${imports.runtime("StructReader")} {`,
    ...(tagByteOffset === undefined ? [] : emitWhich(node, tagByteOffset, constants)),
  ];
  for (const field of fields) {
    const { type, expression } = fieldOf(field, node, { imports, constants });
    lines.push(...docComment(field.doc, "  "), `  get ${readerMember(field.name)}(): ${type} {`);
    if (field.arm !== undefined) lines.push(`    this.requireArm(${tagByteOffset}, ${field.arm});`);
    lines.push(`    return ${expression};`, "  }");
  }
  return [...lines, "}"];
}

function emitWhich(node: Node<StructBody>, tagByteOffset: number, constants: string[]): string[] {
  const arms = node.body.fields
    .filter((field) => field.arm !== undefined)
    .sort((a, b) => (a.arm as number) - (b.arm as number))
    .map((field) => `"${field.name}"`);
  const name = constantName(node, "Arms");
  constants.push(`const ${name} = [${arms.join(", ")}] as const;`);
  return [
    "  /** The arm that is set; undefined when a newer peer set one that is not known here. */",
    `  which(): ${arms.join(" | ")} | undefined {`,
    `    return ${name}[this.getUint16(${tagByteOffset})];`,
    "  }",
  ];
}

type Surroundings = { readonly imports: Imports; readonly constants: string[] };

function fieldOf(field: Field, node: Node<StructBody>, around: Surroundings): { type: string; expression: string } {
  const { imports } = around;
  if (field.place.kind === "group") {
    const group = imports.node(field.place.id, "struct");
    return { type: imports.name(group, "Reader"), expression: `this.as(${imports.name(group)})` };
  }
  const { type } = field.place;
  return { type: readType(type, imports), expression: slotExpression(field, node, around) };
}

function slotExpression(field: Field, node: Node<StructBody>, around: Surroundings): string {
  const slot = field.place as Slot;
  const { type, offset, defaultValue } = slot;
  const { imports } = around;
  if (type.kind === "enum") {
    const mask = defaultValue === undefined ? "" : ` ^ ${literal(defaultValue)}`;
    return `${imports.name(imports.node(type.id, "enum"), "Names")}[this.getUint16(${offset * 2})${mask}]`;
  }
  if (isPrimitive(type.kind)) return primitiveExpression(slot, imports);
  if (defaultValue === undefined) return pointerExpression(type, offset, imports);
  const name = constantName(node, `${field.name.charAt(0).toUpperCase()}${field.name.slice(1)}Default`);
  if (typeof defaultValue === "string") {
    return `this.isNull(${offset}) ? ${literal(defaultValue)} : this.getText(${offset})`;
  }
  if (!(defaultValue instanceof Uint8Array)) throw new SchemaError(`${node.path}.${field.name} has a strange default`);
  if (type.kind === "data") {
    around.constants.push(`const ${name} = ${bytesLiteral(defaultValue)};`);
    return `this.isNull(${offset}) ? ${name} : this.getData(${offset})`;
  }
  around.constants.push(`const ${name} = ${pointerConstant(defaultValue, imports)};`);
  return readPointer(type, `(this.isNull(${offset}) ? ${name} : this.getPointer(${offset}))`, imports);
}

/** An expression of type PointerReader for the root of a message whose frame is written into the source. */
export function pointerConstant(frame: Uint8Array, imports: Imports): string {
  return `${imports.runtime("MessageReader")}.parse(${bytesLiteral(frame)}).rootPointer`;
}

/** The four most frequent kinds have methods of their own and so make no PointerReader. */
function pointerExpression(type: Type, index: number, imports: Imports): string {
  switch (type.kind) {
    case "text":
      return `this.getText(${index})`;
    case "data":
      return `this.getData(${index})`;
    case "capability":
      return `this.getCapability(${index})`;
    case "struct":
      return `this.getStructAs(${index}, ${imports.name(imports.node(type.id, "struct"))})`;
    default:
      return readPointer(type, `this.getPointer(${index})`, imports);
  }
}

/** A default is XORed into the bytes, so that zero on the wire reads as the default. */
function primitiveExpression(slot: Slot, imports: Imports): string {
  const { offset, defaultValue } = slot;
  const kind = slot.type.kind as keyof typeof primitiveInfo;
  const { accessor, bits } = primitiveInfo[kind];
  if (kind === "void") return "undefined";
  if (kind === "bool") return `${defaultValue === true ? "!" : ""}this.getBool(${offset})`;
  const at = (offset * bits) / 8;
  if (defaultValue === undefined) return `this.get${accessor}(${at})`;
  if (kind === "float32") {
    return `${imports.runtime("float32OfBits")}(this.getUint32(${at}) ^ ${float32Bits(defaultValue as number)})`;
  }
  if (kind === "float64") {
    return `${imports.runtime("float64OfBits")}(this.getUint64(${at}) ^ ${float64Bits(defaultValue as number)}n)`;
  }
  const masked = `this.get${accessor}(${at}) ^ ${literal(defaultValue)}`;
  return kind === "uint32" ? `(${masked}) >>> 0` : masked;
}

function constantName(node: Node, suffix: string): string {
  const name = nameOf(node);
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}${suffix}`;
}
