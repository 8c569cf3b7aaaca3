#!/usr/bin/env -S node --max-semi-space-size=64 --incremental-marking-soft-trigger=70 --incremental-marking-hard-trigger=90
// 64 MiB halves: a call's garbage dies young; with the default 16 MiB the collector took 6 % of the enqueue rate
// the triggers, in percent of what the old generation may grow by: without them V8 begins a full collection as soon as less
// is left than a half is large, which with a live heap of 30 MB is always: one a second, a tenth of a message's CPU
import "../src/main.ts";
