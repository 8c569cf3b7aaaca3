/** What a client of ours must find in a C++ server, whatever carries the bytes. */
import { after, before, describe } from "node:test";
import { testCalls } from "./cpp-server-calls.ts";
import { testCapabilities } from "./cpp-server-capabilities.ts";
import { type Connect, CppServerRig } from "./cpp-server-rig.ts";

export function testCppServer(name: string, connect: Connect): void {
  describe(`our client of a C++ server ${name}`, () => {
    const rig = new CppServerRig(connect);
    before(() => rig.start());
    after(() => rig[Symbol.asyncDispose]());
    testCalls(rig);
    testCapabilities(rig);
  });
}
