/** Of every process that makes load, whichever side it measures: V8 collects garbage as in qpq-server (services/server/bin/). */
export const nodeFlags = [
  "--max-semi-space-size=64",
  "--incremental-marking-soft-trigger=70",
  "--incremental-marking-hard-trigger=90",
] as const;
