/** Every conformance suite once more over the store of several front-ends, with the hot tail. */
import assert from "node:assert/strict";
import { after } from "node:test";
import { clusterWithTail, tailAnswers } from "./cluster-tail-place.ts";
import { describeEverySuite } from "./every-suite.ts";
import { describeModel } from "./model.ts";

describeEverySuite(clusterWithTail);
describeModel(clusterWithTail, 10);

after(() => assert.ok(tailAnswers() > 0, "the hot tail was never asked"));
