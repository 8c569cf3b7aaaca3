/** Stands in for `k6/metrics`. */
import { measure } from "./bridge.ts";
import type { MetricType } from "./sinks.ts";

class Metric {
  readonly #type: MetricType;
  readonly name: string;

  constructor(type: MetricType, name: string) {
    this.#type = type;
    this.name = name;
  }

  add(value: number | boolean, tags: Readonly<Record<string, string>> = {}): void {
    measure({ metric: this.name, type: this.#type, value: Number(value), tags });
  }
}

export class Counter extends Metric {
  constructor(name: string) {
    super("counter", name);
  }
}

export class Rate extends Metric {
  constructor(name: string) {
    super("rate", name);
  }
}

export class Trend extends Metric {
  constructor(name: string) {
    super("trend", name);
  }
}
