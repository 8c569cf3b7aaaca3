/** TypeScript names for the nodes of a schema, and the names a generated class must not use. */
import { StructBuilder, StructReader } from "quicproquo-rpc/message";
import { type Node, type Schema, SchemaError } from "./schema-model.ts";

/** `NodeService.enqueue$Params` -> `NodeServiceEnqueueParams`; a constant keeps its lower-case beginning. */
export function nameOf(node: Node): string {
  const name = node.path
    .split(/[.$]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
  return node.body.kind === "const" ? name.charAt(0).toLowerCase() + name.slice(1) : name;
}

/** Every top-level name a node takes up in its generated file. */
export function exportedNames(node: Node): readonly string[] {
  const name = nameOf(node);
  if (node.body.kind === "struct") return [name, `${name}Reader`, `${name}Builder`];
  return node.body.kind === "enum" ? [name, `${name}Names`] : [name];
}

/** Joining words can make two paths one name: better no file than one with a class shadowed. */
export function refuseClashes(schema: Schema): void {
  const owners = new Map<string, string>();
  for (const node of schema.nodes.values()) {
    for (const name of exportedNames(node)) {
      if (name === "Uint8Array") throw new SchemaError(`${node.path} would hide the type that Data fields have`);
      const key = node.file === schema.file ? name : `${node.file}:${name}`;
      const owner = owners.get(key);
      if (owner !== undefined) throw new SchemaError(`${owner} and ${node.path} would both be named ${name}`);
      owners.set(key, node.path);
    }
  }
}

const readerMembers = new Set([...Object.getOwnPropertyNames(StructReader.prototype), "which"]);
const builderMembers = new Set(Object.getOwnPropertyNames(StructBuilder.prototype));

/** A field named like a method of the runtime gets an underscore behind it. */
export function readerMember(name: string): string {
  return readerMembers.has(name) ? `${name}_` : name;
}

export function builderMember(name: string): string {
  return builderMembers.has(name) ? `${name}_` : name;
}

/** `init` or `set` before a field's name. */
export function verbMember(verb: string, fieldName: string): string {
  return builderMember(verb + fieldName.charAt(0).toUpperCase() + fieldName.slice(1));
}
