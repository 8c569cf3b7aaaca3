/** For scripts/chaos.ts. */
export { noTrialFaults } from "./book.ts";
export { describeTrial } from "./describe.ts";
export { runChaos } from "./run.ts";
export { standardTrial } from "./standard-trial.ts";
export type { Progress } from "./trial.ts";
