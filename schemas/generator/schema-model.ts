/** What the emitters need to know of a schema, as plain values: names and offsets are final, nothing is looked up later. */

export type PrimitiveType =
  | "void"
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float32"
  | "float64";

export type Type =
  | { readonly kind: PrimitiveType | "text" | "data" | "capability" | "anyPointer" }
  | { readonly kind: "list"; readonly element: Type }
  | { readonly kind: "enum" | "struct"; readonly id: bigint };

/** Text, Data and numbers as themselves; lists, structs and any pointers as the frame of a message with that root. */
export type Value = number | bigint | boolean | string | Uint8Array | undefined;

export type Slot = {
  readonly kind: "slot";
  /** In units of the type's size within its section, as the compiler counts. */
  readonly offset: number;
  readonly type: Type;
  /** undefined when it is zero, empty or null. */
  readonly defaultValue: Value;
};

export type Field = {
  readonly name: string;
  readonly doc: string;
  /** The value of the union's tag that selects this field; undefined outside of unions. */
  readonly arm: number | undefined;
  readonly place: Slot | { readonly kind: "group"; readonly id: bigint };
};

export type Method = {
  readonly name: string;
  readonly doc: string;
  readonly ordinal: number;
  readonly paramsId: bigint;
  readonly resultsId: bigint;
};

export type StructBody = {
  readonly kind: "struct";
  readonly dataWords: number;
  readonly pointerWords: number;
  readonly isGroup: boolean;
  /** Byte offset of the union's tag; undefined without a union. */
  readonly tagByteOffset: number | undefined;
  /** In the order of the source. */
  readonly fields: readonly Field[];
};

export type Body =
  | StructBody
  | { readonly kind: "enum"; readonly enumerants: readonly { readonly name: string; readonly doc: string }[] }
  | { readonly kind: "interface"; readonly superclassIds: readonly bigint[]; readonly methods: readonly Method[] }
  | { readonly kind: "const"; readonly type: Type; readonly value: Value };

export type Node<B extends Body = Body> = {
  readonly id: bigint;
  /** Within its file, as the compiler writes it: `Gap.Kind`, `NodeService.enqueue$Params`. */
  readonly path: string;
  /** The schema file it stands in, e.g. `node.capnp`. */
  readonly file: string;
  readonly doc: string;
  readonly body: B;
};

export type Schema = {
  /** The file the request was made for. */
  readonly file: string;
  readonly fileDoc: string;
  /** Every node of that file and those of other files it mentions. */
  readonly nodes: ReadonlyMap<bigint, Node>;
};

/** The schema uses something that no TypeScript is made for, or that would make wrong TypeScript. */
export class SchemaError extends Error {
  constructor(text: string) {
    super(text);
    this.name = "SchemaError";
  }
}
