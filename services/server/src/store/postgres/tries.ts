/** Statements that may be repeated as they are: reads, and writes that change nothing the second time. */
import type { Row, Statement, Value } from "./connector.ts";
import { failureOf } from "./failure.ts";
import type { Link } from "./link.ts";

/** What statements are sent by. */
export type Queries = Pick<Link, "query">;

/** A statement that fails so often with its connection, or meets so many conflicts, will not succeed. */
export const triesMax = 8;

/** Throws QpqError. `onRepeat`: its outcome may be unknown. */
export async function queryRepeatedly(
  link: Queries,
  { statement, values, onRepeat }: { statement: Statement; values: readonly Value[]; onRepeat?: () => void },
): Promise<Row[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await link.query(statement, values);
    } catch (error) {
      const { kind, error: forCaller } = failureOf(error);
      if ((kind !== "lost" && kind !== "conflict") || tries === triesMax) throw forCaller;
      onRepeat?.();
    }
  }
}
