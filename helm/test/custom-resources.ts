/**
 * Holds custom resources against their published types, by the TypeScript compiler: an object written as a literal may
 * have no field that its type has not.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { KubernetesObject } from "./chart.ts";
import type { CustomResource } from "./custom-resource.ts";

/** A file that is nowhere. */
const literals = join(dirname(fileURLToPath(import.meta.url)), "literals.ts");

const kinds = ["Certificate", "PrometheusRule", "ServiceMonitor"] satisfies (keyof CustomResource)[];

export function isCustomResource({ kind }: KubernetesObject): boolean {
  return (kinds as readonly string[]).includes(kind);
}

export function customResourceFindings(objects: readonly KubernetesObject[]): string[] {
  const lines = objects.map((object, at) => {
    return `export const object${at}: CustomResource[${JSON.stringify(object.kind)}] = ${JSON.stringify(object)};`;
  });
  const text = `import type { CustomResource } from "./custom-resource.ts";\n${lines.join("\n")}\n`;
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.NodeNext,
    types: ["node"],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (file) => file === literals || fileExists(file);
  host.getSourceFile = (file, how, ...rest) =>
    file === literals ? ts.createSourceFile(file, text, how) : getSourceFile(file, how, ...rest);
  const program = ts.createProgram([literals], options, host);
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(literals))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}
