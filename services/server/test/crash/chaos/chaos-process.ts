/**
 * A trial in a process of its own, which must be started in a network namespace that is empty (run.ts): its networks and
 * servers end with it.
 */
import { tellOf } from "./alone.ts";
import { runTrial } from "./trial.ts";

await tellOf(runTrial);
