/** Where CPU goes is told by samples: of the window, of busy time, and by the part that a function belongs to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { callTree, type Frame, type RawProfile } from "../src/profile/cpu-profile.ts";
import { flameGraph } from "../src/profile/flame-graph.ts";
import { parts, samplesByPart } from "../src/profile/parts.ts";

const root = "file:///somebody/else/services";
const frame = (functionName: string, url = "", lineNumber = -1): Frame => ({ functionName, url, lineNumber });

/** Nodes: 1 root, 2 idle, 3 collector, 4 flush > 5 send > 6 native; 7 dispatch > 8 hash > 9 native. */
const nodes: RawProfile["nodes"] = [
  { id: 1, callFrame: frame("(root)"), children: [2, 3, 4, 7] },
  { id: 2, callFrame: frame("(idle)") },
  { id: 3, callFrame: frame("(garbage collector)") },
  { id: 4, callFrame: frame("transmit", `${root}/transport/src/quic/wire.ts`, 10), children: [5] },
  { id: 5, callFrame: frame("#makePacket", `${root}/transport/src/quic/wire.ts`, 20) },
  { id: 7, callFrame: frame("enqueue", `${root}/server/src/delivery/delivery.ts`, 30), children: [8] },
  { id: 8, callFrame: frame("hash", "node:internal/crypto/hash", 40), children: [9] },
  { id: 9, callFrame: frame("oneShotDigest") },
];

const profileOf = (samples: readonly number[]): RawProfile => ({
  nodes,
  startTime: 1_000,
  samples,
  timeDeltas: samples.map(() => 10),
});

test("samples outside of the window, and those of idle time, count nothing", () => {
  const tree = callTree(profileOf([4, 4, 2, 7, 9, 4]), { fromUs: 1_020, toUs: 1_050 });
  assert.equal(tree.samples, 3); // of 1,010 to 1,060 us the first and the last are outside
  assert.equal(samplesByPart(tree).delivery, 2);
});

test("a library's function and Node's own belong to who called them, the QUIC library's to itself", () => {
  const tree = callTree(profileOf([3, 4, 5, 5, 7, 8, 9, 9]), { fromUs: 0, toUs: 9_999 });
  const { gc, quic, quic_native, delivery, ...others } = samplesByPart(tree);
  assert.deepEqual({ gc, quic, quic_native, delivery }, { gc: 1, quic: 1, quic_native: 2, delivery: 4 });
  assert.ok(Object.values(others).every((samples) => samples === 0));
});

test("a flame graph is one SVG without scripts, folders of the machine or frames below 0.3 %", () => {
  const samples = [...Array.from({ length: 990 }, () => 9), 3, 4, 5, ...Array.from({ length: 7 }, () => 4)];
  const svg = flameGraph(callTree(profileOf(samples), { fromUs: 0, toUs: 1e9 }), "a <front-end> & its load");
  assert.match(svg, /^<svg [^>]*xmlns=/);
  assert.match(svg, /a &#60;front-end&#62; &#38; its load/);
  assert.ok(!svg.includes("somebody") && !svg.includes("<script"));
  assert.match(svg, /<title>enqueue services\/server\/src\/delivery\/delivery\.ts:31 99\.0 %<\/title>/);
  assert.match(svg, /<title>transmit /);
  assert.ok(!svg.includes("#makePacket") && !svg.includes("garbage collector)"));
  for (const doc of Object.values(parts)) assert.ok(svg.includes(doc));
  for (const tag of ["svg", "g", "text", "title"]) {
    assert.equal(svg.split(`<${tag}`).length, svg.split(`</${tag}>`).length, tag);
  }
});
