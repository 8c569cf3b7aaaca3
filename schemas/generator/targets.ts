/** Which schemas code is generated for, and where it goes. Paths are relative to the package's folder. */

export type Target = {
  readonly schema: string;
  /** The generated module. */
  readonly module: string;
  /** The CodeGeneratorRequest, kept so that nobody needs a schema compiler to make the module again. */
  readonly request: string;
};

export const targets: readonly Target[] = [
  { schema: "node.capnp", module: "src/gen/node.ts", request: "src/gen/requests/node.bin" },
  { schema: "envelope.capnp", module: "src/gen/envelope.ts", request: "src/gen/requests/envelope.bin" },
  // The generator's own tests: every kind of field there is, and a second file that it imports.
  { schema: "test/fixtures/shared.capnp", module: "test/gen/shared.ts", request: "test/gen/requests/shared.bin" },
  { schema: "test/fixtures/kinds.capnp", module: "test/gen/kinds.ts", request: "test/gen/requests/kinds.bin" },
  // What else a schema may have.
  { schema: "test/fixtures/forms.capnp", module: "test/gen/forms.ts", request: "test/gen/requests/forms.bin" },
];
