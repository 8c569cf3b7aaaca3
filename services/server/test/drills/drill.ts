/** A table of failures: what an operator sees of each, and that the command it names helps. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Site } from "./site.ts";

export type Drill = {
  readonly failure: string;
  /** Of schemas/src/errors.ts, or of the doctor. */
  readonly code: string;
  /** Makes it fail; answers what the operator sees. */
  readonly see: (site: Site) => Promise<string>;
  /** The next command in it, as its first group. */
  readonly next: RegExp;
  /** Runs that command, and shows that it helped. */
  readonly help: (site: Site, command: string) => Promise<unknown>;
};

export function runDrills(name: string, drills: readonly Drill[]): void {
  describe(name, () => {
    for (const { failure, code, see, next, help } of drills) {
      test(`${failure}: ${code}, and the next command helps`, async () => {
        await using site = new Site();
        const seen = await see(site);
        assert.ok(seen.includes(code), `no ${code} in: ${seen}`);
        const [, command] = next.exec(seen) ?? [];
        assert.ok(command !== undefined, `no ${next} in: ${seen}`);
        await help(site, command);
      });
    }
  });
}
