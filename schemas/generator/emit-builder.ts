/** The builder class of a struct: setters for values, init methods for what must be allocated. */
import { float32Bits, float64Bits } from "quicproquo-rpc/message";
import { initList, isPrimitive, primitiveInfo } from "./emit-type.ts";
import type { Imports } from "./imports.ts";
import { builderMember, nameOf, verbMember } from "./names.ts";
import type { Field, Node, Slot, StructBody } from "./schema-model.ts";
import { docComment, literal } from "./source-text.ts";

export function emitBuilder(node: Node<StructBody>, imports: Imports): string[] {
  const lines = [
    ...docComment(node.doc),
    `export class ${nameOf(node)}Builder extends ${imports.runtime("StructBuilder")} {`,
  ];
  for (const field of node.body.fields) {
    const member = field.place.kind === "group" ? groupMember(field, imports) : slotMember(field, field.place, imports);
    if (member === undefined) continue;
    lines.push(...docComment(field.doc, "  "), `  ${member.head} {`);
    if (field.arm !== undefined) lines.push(`    this.setUint16(${node.body.tagByteOffset}, ${field.arm});`);
    lines.push(...member.body.map((line) => `    ${line};`), "  }");
  }
  return [...lines, "}"];
}

type Member = { readonly head: string; readonly body: readonly string[] };

function groupMember(field: Field, imports: Imports): Member {
  const group = imports.node((field.place as { id: bigint }).id, "struct");
  const type = imports.name(group, "Builder");
  const last = `return this.as(${imports.name(group)})`;
  if (field.arm === undefined) return { head: `get ${builderMember(field.name)}(): ${type}`, body: [last] };
  // Another arm may have written into the same bytes.
  return { head: `${verbMember("init", field.name)}(): ${type}`, body: [...clearing(group, imports), last] };
}

function clearing(group: Node<StructBody>, imports: Imports): Set<string> {
  const statements = new Set<string>();
  if (group.body.tagByteOffset !== undefined) statements.add(`this.setUint16(${group.body.tagByteOffset}, 0)`);
  for (const { place } of group.body.fields) {
    if (place.kind === "group")
      for (const it of clearing(imports.node(place.id, "struct"), imports)) statements.add(it);
    else if (place.type.kind === "enum") statements.add(`this.setUint16(${place.offset * 2}, 0)`);
    else if (place.type.kind === "bool") statements.add(`this.setBool(${place.offset}, false)`);
    else if (!isPrimitive(place.type.kind)) statements.add(`this.clearPointer(${place.offset})`);
    else if (place.type.kind !== "void") {
      const { accessor, bits, typeScript } = primitiveInfo[place.type.kind];
      statements.add(`this.set${accessor}(${(place.offset * bits) / 8}, ${typeScript === "bigint" ? "0n" : "0"})`);
    }
  }
  return statements;
}

/** undefined when there is nothing to set: a Void field outside of a union. */
function slotMember(field: Field, slot: Slot, imports: Imports): Member | undefined {
  const { type, offset } = slot;
  const setter = (valueType: string, statement: string): Member => ({
    head: `set ${builderMember(field.name)}(value: ${valueType})`,
    body: [statement],
  });
  switch (type.kind) {
    case "void":
      return field.arm === undefined ? undefined : { head: `${verbMember("set", field.name)}(): void`, body: [] };
    case "text":
      return setter("string", `this.setText(${offset}, value)`);
    case "data":
      return setter("Uint8Array", `this.setData(${offset}, value)`);
    case "capability":
      return setter("unknown", `this.setCapability(${offset}, value)`);
    case "enum": {
      const name = imports.name(imports.node(type.id, "enum"));
      return setter(name, `this.setUint16(${offset * 2}, ${masked(`${name}[value]`, slot)})`);
    }
    case "anyPointer": {
      const head = `${verbMember("init", field.name)}(): ${imports.runtime("PointerBuilder")}`;
      return { head, body: [`return this.getPointer(${offset})`] };
    }
    case "struct": {
      const struct = imports.node(type.id, "struct");
      const head = `${verbMember("init", field.name)}(): ${imports.name(struct, "Builder")}`;
      return { head, body: [`return this.initStructAs(${offset}, ${imports.name(struct)})`] };
    }
    case "list": {
      const { type: builder, call } = initList(type.element, `this.getPointer(${offset})`, imports);
      return { head: `${verbMember("init", field.name)}(count: number): ${builder}`, body: [`return ${call}`] };
    }
    default:
      return setter(primitiveInfo[type.kind].typeScript, primitiveStatement(slot, imports));
  }
}

/** A default is XORed into the bytes; see the reader. */
function primitiveStatement(slot: Slot, imports: Imports): string {
  const { offset, defaultValue } = slot;
  const kind = slot.type.kind as keyof typeof primitiveInfo;
  const { accessor, bits } = primitiveInfo[kind];
  if (kind === "bool") return `this.setBool(${offset}, ${defaultValue === true ? "!value" : "value"})`;
  const at = (offset * bits) / 8;
  if (kind === "float32" && defaultValue !== undefined) {
    const mask = float32Bits(defaultValue as number);
    return `this.setUint32(${at}, ${imports.runtime("float32Bits")}(value) ^ ${mask})`;
  }
  if (kind === "float64" && defaultValue !== undefined) {
    const mask = float64Bits(defaultValue as number);
    return `this.setUint64(${at}, ${imports.runtime("float64Bits")}(value) ^ ${mask}n)`;
  }
  return `this.set${accessor}(${at}, ${masked("value", slot)})`;
}

function masked(expression: string, slot: Slot): string {
  return slot.defaultValue === undefined ? expression : `${expression} ^ ${literal(slot.defaultValue)}`;
}
