/** Reads the test vectors beside this file; vectors/README.md says where each comes from. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** The caller names the shape: the files are fixed, and a wrong name shows as a failing test. */
export function readVectors<T>(file: string): T {
  const bytes = readFileSync(new URL(`./vectors/${file}`, import.meta.url));
  return JSON.parse((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")) as T;
}

type WycheproofTest = {
  readonly tcId: number;
  readonly comment?: string;
  readonly result: "valid" | "invalid" | "acceptable";
};

export type WycheproofGroup<Test> = { readonly tests: readonly (Test & WycheproofTest)[] };

/** The groups of one Wycheproof file; throws when the file does not hold as many tests as it says. */
export function readWycheproof<Group extends WycheproofGroup<unknown>>(name: string): readonly Group[] {
  type File = { readonly numberOfTests: number; readonly testGroups: readonly Group[] };
  const { numberOfTests, testGroups } = readVectors<File>(`wycheproof_${name}_test.json.gz`);
  const counted = testGroups.reduce((sum, group) => sum + group.tests.length, 0);
  if (counted !== numberOfTests) throw new Error(`${name}: ${counted} tests, not ${numberOfTests}`);
  return testGroups;
}

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
