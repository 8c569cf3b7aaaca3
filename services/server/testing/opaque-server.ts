/** The server's half of OPAQUE without a server around it: what the bench holds a login against. */
export { OpaqueServer } from "../src/accounts/opaque.ts";
export { testOpaqueSetup } from "./opaque-setup.ts";
