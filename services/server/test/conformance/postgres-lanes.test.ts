/** Lanes: work with a common key is never at two places at once and never overtaken, whatever the keys and the timing. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Lanes, type Work } from "../../src/store/postgres/lanes.ts";

type Numbered = Work & { readonly number: number };

/** Lanes whose batches end when the test says so. */
class Gated {
  readonly running: { readonly batch: readonly Numbered[]; end: () => void }[] = [];
  readonly done: Numbered[] = [];
  readonly lanes: Lanes<Numbered>;
  #count = 0;

  constructor(lanes: number, rowsMax = 100, { bytesMax = 1_000, gatherMsMax = 0 } = {}) {
    this.lanes = new Lanes<Numbered>({
      lanes,
      rowsMax,
      bytesMax,
      gatherMsMax,
      run: async (batch) => {
        const gate = Promise.withResolvers<void>();
        this.running.push({ batch, end: gate.resolve });
        await gate.promise;
        this.done.push(...batch);
      },
    });
  }

  add(keys: readonly string[], work: Partial<Work> = {}): void {
    this.lanes.add({ keys, rows: 1, bytes: 1, isAlone: false, ...work, number: this.#count++ });
  }

  /** Ends one of the running batches and lets everything that follows from it happen. */
  async end(index: number): Promise<void> {
    this.running.splice(index, 1)[0]?.end();
    await settled();
  }

  async endAll(): Promise<void> {
    while (this.running.length > 0) await this.end(0);
  }

  /** The keys of each, in the order the batches began. */
  get runningBatches(): string[] {
    return this.running.map(({ batch }) => batch.map(({ keys }) => keys.join(" ")).join(" "));
  }

  get runningKeys(): string[] {
    return this.running.flatMap(({ batch }) => [...new Set(batch.flatMap(({ keys }) => keys))]);
  }
}

/** Two turns of the event loop: a flush at the end of one, and its batch's first step. */
async function settled(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
}

function numbersOf(works: readonly Numbered[], key: string): number[] {
  return works.filter(({ keys }) => keys.includes(key)).map(({ number }) => number);
}

/** Nothing waits for a timer that long. */
const farMs = 60_000;

describe("lanes", () => {
  test("no key is in two running batches, and each key's work ends in the order it came", async () => {
    const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), { minLength: 1, maxLength: 3 });
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ keys, isAlone: fc.nat(9).map((n) => n === 0) }) },
      { weight: 1, arbitrary: fc.nat(3) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.boolean(), async (steps, gathers) => {
        const gated = new Gated(3, 4, { gatherMsMax: gathers ? farMs : 0 });
        let added = 0;
        for (const step of steps) {
          if (typeof step === "number") await gated.end(Math.min(step, gated.running.length - 1));
          else {
            gated.add(step.keys, { isAlone: step.isAlone });
            added++;
          }
          assert.equal(new Set(gated.runningKeys).size, gated.runningKeys.length);
        }
        await settled();
        await gated.endAll();
        assert.equal(gated.done.length, added);
        for (const key of "abcdef") {
          const numbers = numbersOf(gated.done, key);
          assert.deepEqual(
            numbers,
            [...numbers].sort((a, b) => a - b),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  test("what comes in one turn is one batch, and what comes later runs beside it in an idle lane", async () => {
    const gated = new Gated(2);
    for (const turn of [["a", "b"], ["c"]]) {
      for (const key of turn) gated.add([key]);
      await settled();
    }
    assert.deepEqual(gated.runningBatches, ["a b", "c"]);
    await gated.endAll();
  });

  test("what comes while all lanes run gathers where a batch will end first, until that is a good one of 100 rows", async () => {
    const gated = new Gated(2, 500);
    for (const key of ["first", "second"]) {
      gated.add([key]);
      await settled();
    }
    gated.add(["a"]);
    gated.add(["b"], { rows: 99 });
    gated.add(["c"]);
    await gated.end(1);
    await gated.end(0);
    assert.deepEqual(gated.runningBatches, ["c", "a b"]);
    await gated.endAll();
  });

  test("a small batch waits for more while another is under way, until it is a good one of 100 rows or the other has ended", async () => {
    const gated = new Gated(3, 500, { gatherMsMax: farMs });
    for (const key of ["first", "a", "b"]) {
      gated.add([key]);
      await settled();
    }
    assert.deepEqual(gated.runningBatches, ["first"]);
    gated.add(["c"], { rows: 98 });
    await settled();
    assert.deepEqual(gated.runningBatches, ["first", "a b c"]);
    gated.add(["d"]);
    await gated.end(0);
    assert.deepEqual(gated.runningBatches, ["a b c"]);
    await gated.end(0);
    assert.deepEqual(gated.runningBatches, ["d"]);
    await gated.endAll();
  });

  test("a small batch waits no longer than it is told to", { timeout: 20_000 }, async () => {
    const gated = new Gated(2, 500, { gatherMsMax: 1 });
    gated.add(["first"]);
    await settled();
    gated.add(["a"]);
    while (gated.running.length < 2) await settled();
    assert.deepEqual(gated.runningBatches, ["first", "a"]);
    await gated.endAll();
  });

  test("work that goes alone never waits behind another while a lane is idle", async () => {
    const gated = new Gated(3);
    for (const key of ["a", "b", "c"]) gated.add([key], { isAlone: true });
    await settled();
    assert.deepEqual(gated.runningBatches, ["a", "b", "c"]);
    const single = new Gated(2, 1);
    for (const key of ["a", "b"]) single.add([key]);
    await settled();
    assert.deepEqual(single.runningBatches, ["a", "b"]);
    await gated.endAll();
    await single.endAll();
  });

  test("what comes while a batch runs is one batch, closed by its rows, its bytes, or work that goes alone", async () => {
    const sizesAfter = async (works: readonly Partial<Work>[]) => {
      const gated = new Gated(1, 3, { bytesMax: 10 });
      gated.add(["first"]);
      await settled();
      for (const work of works) gated.add([], work);
      await gated.end(0);
      const sizes: number[] = [];
      while (gated.running.length > 0) {
        sizes.push(gated.running[0]?.batch.length ?? 0);
        await gated.end(0);
      }
      return sizes;
    };
    assert.deepEqual(await sizesAfter([{}, {}, {}, {}, {}]), [3, 2]);
    assert.deepEqual(await sizesAfter([{ bytes: 6 }, { bytes: 4 }, { bytes: 50 }, { bytes: 1 }]), [2, 1, 1]);
    assert.deepEqual(await sizesAfter([{}, { isAlone: true }, {}, {}]), [1, 1, 2]);
    assert.deepEqual(await sizesAfter([{ rows: 1_000 }, {}]), [1, 1]);
  });

  test("idle waits for everything that was added", async () => {
    const gated = new Gated(2, 1);
    for (const key of ["a", "b", "a"]) gated.add([key]);
    let isIdle = false;
    const idle = gated.lanes.idle().then(() => (isIdle = true));
    await settled();
    await gated.end(0);
    assert.equal(isIdle, false);
    await gated.endAll();
    await idle;
  });
});
