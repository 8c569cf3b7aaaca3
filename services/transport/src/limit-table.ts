/** Fills a table of limits with what a caller set. */
import { type LimitRow, QpqError } from "quicproquo-proto";

/** Defaults under what the caller set; E046_CONFIG for a value outside its range. */
export function resolveLimits<Table extends Record<string, LimitRow>>(
  table: Table,
  overrides: { readonly [Name in keyof Table]?: number | undefined } = {},
): { readonly [Name in keyof Table]: number } {
  const resolved: Record<string, number> = {};
  for (const [name, row] of Object.entries(table)) {
    const value = overrides[name as keyof Table] ?? row.default;
    if (!Number.isInteger(value) || value < row.min || value > row.max) {
      throw new QpqError("E046_CONFIG", {
        fields: { limit: name, value, min: row.min, max: row.max },
        text: "a limit is outside its range",
      });
    }
    resolved[name] = value;
  }
  return resolved as { readonly [Name in keyof Table]: number };
}
