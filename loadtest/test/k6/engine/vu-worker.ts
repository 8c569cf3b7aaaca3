/** A virtual user: a thread with a script of its own, in which `k6`, `k6/http` and `k6/metrics` are the files beside this one. */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { parentPort } from "node:worker_threads";
import { current, self } from "./bridge.ts";

export type VuCall = {
  /** An export of the script; "options" is no function, and answered as it is. */
  readonly name: string;
  readonly args?: readonly unknown[];
  /** On top of the script's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
};

const modules: Readonly<Record<string, string>> = {
  k6: "./k6-module.ts",
  "k6/http": "./http-module.ts",
  "k6/metrics": "./metrics-module.ts",
};

registerHooks({
  resolve(specifier, context, next) {
    const file = Object.hasOwn(modules, specifier) ? modules[specifier] : undefined;
    return file === undefined
      ? next(specifier, context)
      : { url: new URL(file, import.meta.url).href, shortCircuit: true };
  },
});
const world = globalThis as unknown as Record<string, unknown>;
world["__VU"] = self.vu;
world["__ENV"] = self.env;
world["open"] = (file: string): string => readFileSync(file, "utf8");
const script = (await import(self.script)) as Readonly<Record<string, unknown>>;

parentPort?.on("message", ({ name, args = [], env = {}, tags = {} }: VuCall) => {
  world["__ENV"] = { ...self.env, ...env };
  current.samples = [];
  current.tags = tags;
  let result: unknown;
  let error: string | undefined;
  try {
    const exported = script[name];
    result = typeof exported === "function" ? exported(...args) : exported;
  } catch (cause) {
    error = String((cause as Error).message);
  }
  parentPort?.postMessage({ ended: { result, error, samples: current.samples } });
});
parentPort?.postMessage({ ready: true });
