/** A C++ client with the real contract (schemas/node.capnp) and the real server, over QUIC. */
import { after } from "node:test";
import { testFetching } from "./fetching.ts";
import { NodeClientRig } from "./node-client-rig.ts";
import { testSubscribing } from "./subscribing.ts";

const rig = await NodeClientRig.start();
after(() => rig[Symbol.asyncDispose]());

testFetching(rig);
testSubscribing(rig);
