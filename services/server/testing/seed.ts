/** The seed of a trial, of the server or of a client: printed by it, and given again with SEED=... to replay. */
export const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);

export { randomOf } from "quicproquo-transport/testing";
