/** TypeScript types and expressions for the types of a schema. */
import type { Imports } from "./imports.ts";
import { type PrimitiveType, SchemaError, type Type } from "./schema-model.ts";

/** Words of the runtime for each primitive: its accessors and what an accessor's offset is counted in. */
export const primitiveInfo: Readonly<Record<PrimitiveType, { accessor: string; bits: number; typeScript: string }>> = {
  void: { accessor: "", bits: 0, typeScript: "undefined" },
  bool: { accessor: "Bool", bits: 1, typeScript: "boolean" },
  int8: { accessor: "Int8", bits: 8, typeScript: "number" },
  int16: { accessor: "Int16", bits: 16, typeScript: "number" },
  int32: { accessor: "Int32", bits: 32, typeScript: "number" },
  int64: { accessor: "Int64", bits: 64, typeScript: "bigint" },
  uint8: { accessor: "Uint8", bits: 8, typeScript: "number" },
  uint16: { accessor: "Uint16", bits: 16, typeScript: "number" },
  uint32: { accessor: "Uint32", bits: 32, typeScript: "number" },
  uint64: { accessor: "Uint64", bits: 64, typeScript: "bigint" },
  float32: { accessor: "Float32", bits: 32, typeScript: "number" },
  float64: { accessor: "Float64", bits: 64, typeScript: "number" },
};

export function isPrimitive(kind: Type["kind"]): kind is PrimitiveType {
  return Object.hasOwn(primitiveInfo, kind);
}

/** What a reader answers for a field or a list element. */
export function readType(type: Type, imports: Imports): string {
  switch (type.kind) {
    case "text":
      return "string";
    case "data":
      return "Uint8Array";
    case "capability":
      return "unknown";
    case "anyPointer":
      return imports.runtime("PointerReader");
    case "struct":
      return imports.name(imports.node(type.id, "struct"), "Reader");
    case "enum":
      return `${imports.name(imports.node(type.id, "enum"))} | undefined`;
    case "list":
      return `${imports.runtime("ListReader")}<${elementType(type.element, imports)}>`;
    default:
      return primitiveInfo[type.kind].typeScript;
  }
}

/** Elements of an enum's list stay numbers: names would need a list class of their own. */
function elementType(type: Type, imports: Imports): string {
  return type.kind === "enum" ? "number" : readType(type, imports);
}

/** Reads `pointer`, an expression of type PointerReader, as the type. */
export function readPointer(type: Type, pointer: string, imports: Imports): string {
  switch (type.kind) {
    case "text":
      return `${pointer}.asText()`;
    case "data":
      return `${pointer}.asData()`;
    case "capability":
      return `${pointer}.capability()`;
    case "anyPointer":
      return pointer;
    case "struct":
      return `${pointer}.asStruct(${imports.name(imports.node(type.id, "struct"))})`;
    case "list":
      return readList(type.element, pointer, imports);
    default:
      throw new SchemaError(`${type.kind} is not behind a pointer`);
  }
}

function readList(element: Type, pointer: string, imports: Imports): string {
  switch (element.kind) {
    case "text":
      return `${pointer}.asTextList()`;
    case "data":
      return `${pointer}.asDataList()`;
    case "capability":
      return `${pointer}.asCapabilityList()`;
    case "anyPointer":
      return `${pointer}.asPointerList()`;
    case "struct":
      return `${pointer}.asStructList(${imports.name(imports.node(element.id, "struct"))})`;
    case "list":
      return `${pointer}.asListOf((element) => ${readPointer(element, "element", imports)})`;
    default:
      return `${pointer}.asPrimitiveList("${primitiveKind(element)}")`;
  }
}

/** The type and the call that make a list of `count` elements at `pointer`, an expression of type PointerBuilder. */
export function initList(element: Type, pointer: string, imports: Imports): { type: string; call: string } {
  const pointerList = imports.runtime.bind(imports, "PointerListBuilder");
  switch (element.kind) {
    case "text":
      return { type: `${pointerList()}<string>`, call: `${pointer}.initTextList(count)` };
    case "data":
      return { type: `${pointerList()}<Uint8Array>`, call: `${pointer}.initDataList(count)` };
    case "capability":
      return { type: `${pointerList()}<unknown>`, call: `${pointer}.initCapabilityList(count)` };
    case "anyPointer":
    case "list":
      return { type: imports.runtime("AnyListBuilder"), call: `${pointer}.initPointerList(count)` };
    case "struct": {
      const struct = imports.node(element.id, "struct");
      const type = `${imports.runtime("StructListBuilder")}<${imports.name(struct, "Builder")}>`;
      return { type, call: `${pointer}.initStructList(count, ${imports.name(struct)})` };
    }
    default: {
      const kind = primitiveKind(element);
      const type = `${imports.runtime("PrimitiveListBuilder")}<"${kind}">`;
      return { type, call: `${pointer}.initPrimitiveList(count, "${kind}")` };
    }
  }
}

function primitiveKind(type: Type): PrimitiveType {
  if (type.kind === "enum") return "uint16";
  if (isPrimitive(type.kind)) return type.kind;
  throw new SchemaError(`${type.kind} is not a primitive`);
}
