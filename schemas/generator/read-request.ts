/**
 * CodeGeneratorRequest (what `capnp compile -o-` prints) -> {@link Schema}. The only file that knows capnp-es's accessors.
 *
 * Refuses generics: a type parameter would need a runtime type, and no schema of ours has one; and streaming methods, whose
 * flow control the RPC does not have. Annotations are ignored.
 */
import { Message, type Pointer } from "capnp-es";
import * as capnp from "capnp-es/capnp/schema";
import {
  type Body,
  type Field,
  type Method,
  type Node,
  type PrimitiveType,
  type Schema,
  SchemaError,
  type Type,
  type Value,
} from "./schema-model.ts";

export function readRequest(request: Uint8Array): Schema {
  const root = new Message(request, false).getRoot(capnp.CodeGeneratorRequest);
  const file = root.requestedFiles.get(0);
  const docs = docsOf(root);
  const nodes = new Map<bigint, Node>();
  for (const node of root.nodes) {
    const body = bodyOf(node, docs.get(node.id)?.members ?? []);
    if (body === undefined) continue;
    const [fileName = "", path = ""] = node.displayName.split(":");
    nodes.set(node.id, { id: node.id, path, file: fileName, doc: docs.get(node.id)?.doc ?? "", body });
  }
  return { file: file.filename, fileDoc: docs.get(file.id)?.doc ?? "", nodes };
}

/** `major.minor.micro` of the compiler that made the request. */
export function compilerVersionOf(request: Uint8Array): string {
  const { major, minor, micro } = new Message(request, false).getRoot(capnp.CodeGeneratorRequest).capnpVersion;
  return `${major}.${minor}.${micro}`;
}

type Docs = { readonly doc: string; readonly members: readonly string[] };

function docsOf(root: capnp.CodeGeneratorRequest): Map<bigint, Docs> {
  const docs = new Map<bigint, Docs>();
  for (const info of root.sourceInfo) {
    docs.set(info.id, { doc: info.docComment.trim(), members: [...info.members].map((it) => it.docComment.trim()) });
  }
  return docs;
}

/** undefined for files and annotations: nothing is generated for them. */
function bodyOf(node: capnp.Node, memberDocs: readonly string[]): Body | undefined {
  if (node.isGeneric) throw new SchemaError(`${node.displayName} is generic; generics are not generated`);
  switch (node.which()) {
    case capnp.Node.STRUCT:
      return structOf(node, memberDocs);
    case capnp.Node.ENUM: {
      const enumerants = [...node.enum.enumerants].map((it, index) => ({
        name: it.name,
        doc: memberDocs[index] ?? "",
      }));
      return { kind: "enum", enumerants };
    }
    case capnp.Node.INTERFACE:
      return interfaceOf(node, memberDocs);
    case capnp.Node.CONST:
      return { kind: "const", type: typeOf(node.const.type, node), value: valueOf(node.const.value) };
    default:
      return undefined;
  }
}

function structOf(node: capnp.Node, memberDocs: readonly string[]): Body {
  const { struct } = node;
  const fields = [...struct.fields]
    .map((field, index) => ({ field, doc: memberDocs[index] ?? "" }))
    .sort((a, b) => a.field.codeOrder - b.field.codeOrder)
    .map(({ field, doc }) => fieldOf(field, doc, node));
  return {
    kind: "struct",
    dataWords: struct.dataWordCount,
    pointerWords: struct.pointerCount,
    isGroup: struct.isGroup,
    tagByteOffset: struct.discriminantCount === 0 ? undefined : struct.discriminantOffset * 2,
    fields,
  };
}

function fieldOf(field: capnp.Field, doc: string, node: capnp.Node): Field {
  const arm = field.discriminantValue === capnp.Field.NO_DISCRIMINANT ? undefined : field.discriminantValue;
  const { name } = field;
  if (field.which() === capnp.Field.GROUP) return { name, doc, arm, place: { kind: "group", id: field.group.typeId } };
  const { slot } = field;
  const defaultValue = slot.hadExplicitDefault ? nonZero(valueOf(slot.defaultValue)) : undefined;
  return { name, doc, arm, place: { kind: "slot", offset: slot.offset, type: typeOf(slot.type, node), defaultValue } };
}

/** An explicit default that equals the implicit one changes nothing on the wire. -0 is not 0 there. */
function nonZero(value: Value): Value {
  const isZero = value === false || value === 0n || Object.is(value, 0) || value === "";
  return isZero || (value instanceof Uint8Array && value.length === 0) ? undefined : value;
}

/** StreamResult of capnp's stream.capnp: what a method answers that is declared `-> stream`. */
const streamResultId = 0x995f9a3377c0b16en;

function interfaceOf(node: capnp.Node, memberDocs: readonly string[]): Body {
  const methods = [...node.interface.methods].map((method, ordinal) => {
    refuseBrand(method.paramBrand, node);
    refuseBrand(method.resultBrand, node);
    if (method.implicitParameters.length > 0) {
      throw new SchemaError(`${node.displayName}.${method.name} is generic; generics are not generated`);
    }
    if (method.resultStructType === streamResultId) {
      throw new SchemaError(`${node.displayName}.${method.name} is a stream; streaming methods are not generated`);
    }
    return { method, ordinal };
  });
  methods.sort((a, b) => a.method.codeOrder - b.method.codeOrder);
  return {
    kind: "interface",
    superclassIds: [...node.interface.superclasses].map((it) => it.id),
    methods: methods.map(
      ({ method, ordinal }): Method => ({
        name: method.name,
        doc: memberDocs[ordinal] ?? "",
        ordinal,
        paramsId: method.paramStructType,
        resultsId: method.resultStructType,
      }),
    ),
  };
}

const primitives: ReadonlyMap<number, PrimitiveType | "text" | "data"> = new Map([
  [capnp.Type.VOID, "void"],
  [capnp.Type.BOOL, "bool"],
  [capnp.Type.INT8, "int8"],
  [capnp.Type.INT16, "int16"],
  [capnp.Type.INT32, "int32"],
  [capnp.Type.INT64, "int64"],
  [capnp.Type.UINT8, "uint8"],
  [capnp.Type.UINT16, "uint16"],
  [capnp.Type.UINT32, "uint32"],
  [capnp.Type.UINT64, "uint64"],
  [capnp.Type.FLOAT32, "float32"],
  [capnp.Type.FLOAT64, "float64"],
  [capnp.Type.TEXT, "text"],
  [capnp.Type.DATA, "data"],
] as const);

function typeOf(type: capnp.Type, node: capnp.Node): Type {
  const which = type.which();
  const primitive = primitives.get(which);
  if (primitive !== undefined) return { kind: primitive };
  switch (which) {
    case capnp.Type.LIST:
      return { kind: "list", element: typeOf(type.list.elementType, node) };
    case capnp.Type.ENUM:
      return { kind: "enum", id: type.enum.typeId };
    case capnp.Type.STRUCT:
      refuseBrand(type.struct.brand, node);
      return { kind: "struct", id: type.struct.typeId };
    case capnp.Type.INTERFACE:
      refuseBrand(type.interface.brand, node);
      return { kind: "capability" };
    default:
      return anyPointerOf(type.anyPointer, node);
  }
}

function anyPointerOf(type: capnp.Type_AnyPointer, node: capnp.Node): Type {
  if (type.which() !== capnp.Type_AnyPointer.UNCONSTRAINED) {
    throw new SchemaError(`${node.displayName} uses a type parameter; generics are not generated`);
  }
  const isCapability = type.unconstrained.which() === capnp.Type_AnyPointer_Unconstrained.CAPABILITY;
  return { kind: isCapability ? "capability" : "anyPointer" };
}

function refuseBrand(brand: capnp.Brand, node: capnp.Node): void {
  if (brand.scopes.length > 0) {
    throw new SchemaError(`${node.displayName} uses a type with parameters; generics are not generated`);
  }
}

function valueOf(value: capnp.Value): Value {
  switch (value.which()) {
    case capnp.Value.BOOL:
      return value.bool;
    case capnp.Value.INT8:
      return value.int8;
    case capnp.Value.INT16:
      return value.int16;
    case capnp.Value.INT32:
      return value.int32;
    case capnp.Value.INT64:
      return value.int64;
    case capnp.Value.UINT8:
      return value.uint8;
    case capnp.Value.UINT16:
      return value.uint16;
    case capnp.Value.UINT32:
      return value.uint32;
    case capnp.Value.UINT64:
      return value.uint64;
    case capnp.Value.FLOAT32:
      return value.float32;
    case capnp.Value.FLOAT64:
      return value.float64;
    case capnp.Value.TEXT:
      return value.text;
    case capnp.Value.DATA:
      return Uint8Array.from(value.data.toUint8Array());
    case capnp.Value.LIST:
      return frameOf(value.list);
    case capnp.Value.ENUM:
      return value.enum;
    case capnp.Value.STRUCT:
      return frameOf(value.struct);
    case capnp.Value.ANY_POINTER:
      return frameOf(value.anyPointer);
    default:
      return undefined;
  }
}

function frameOf(pointer: Pointer): Uint8Array {
  const message = new Message();
  message.setRoot(pointer);
  return new Uint8Array(message.toArrayBuffer());
}
