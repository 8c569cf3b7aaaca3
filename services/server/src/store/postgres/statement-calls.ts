/** Calls that are one statement each: what a handler of them is, and what several of them need. */
import type { Row, Statement, Value } from "./connector.ts";
import type { Link } from "./link.ts";
import { queryRepeatedly } from "./tries.ts";

/** Throws QpqError. */
export type Handlers<
  Calls extends Readonly<Record<keyof Calls, { readonly request: unknown; readonly answer: unknown }>>,
> = {
  readonly [N in keyof Calls]: (link: Link, request: Calls[N]["request"], nowMs: number) => Promise<Calls[N]["answer"]>;
};

export function statementOf(name: string, text: string): Statement {
  return { name, text };
}

/** What is repeated must change nothing the second time. */
export function run(link: Link, statement: Statement, values: readonly Value[]): Promise<Row[]> {
  return queryRepeatedly(link, { statement, values });
}

/** The only column of the only row. */
export async function wordOf(link: Link, statement: Statement, values: readonly Value[]): Promise<string> {
  const [[word] = []] = await run(link, statement, values);
  return word as string;
}

/** The driver sends a Buffer in binary format, and not other arrays. */
export function bytea(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
