/** What a load does while it runs: a bar with rate and p99 on a terminal, ten lines elsewhere. */
import { Progress } from "../progress.ts";
import { machineMs } from "./clock.ts";
import type { Live } from "./drivers.ts";
import type { Plan } from "./plan.ts";
import { durationSecondsOf } from "./schedule.ts";

export class LiveLine {
  readonly #progress: Progress;
  readonly #stepMs: number;
  readonly #steps: number;
  readonly #startMs: number;
  #shown = 0;
  #doneBefore = 0;
  #beforeMs: number;

  constructor(plan: Plan) {
    const seconds = plan.warmUpSeconds + durationSecondsOf(plan.phases);
    this.#steps = process.stderr.isTTY ? Math.max(1, Math.ceil(seconds)) : 10;
    this.#stepMs = (seconds * 1_000) / this.#steps;
    this.#progress = new Progress(this.#steps);
    this.#startMs = machineMs();
    this.#beforeMs = this.#startMs;
  }

  show({ done, errors, missed, inFlight, p99Ms }: Live): void {
    const nowMs = machineMs();
    const step = Math.min(this.#steps - 1, Math.floor((nowMs - this.#startMs) / this.#stepMs));
    if (step <= this.#shown) return;
    const perSecond = ((done - this.#doneBefore) / (nowMs - this.#beforeMs)) * 1_000;
    [this.#doneBefore, this.#beforeMs] = [done, nowMs];
    const p99 = p99Ms === undefined ? "" : `, p99 ${p99Ms.toFixed(1)} ms`;
    const failed = errors + missed === 0 ? "" : `, ${errors} errors, ${missed} missed`;
    const text = done === 0 ? "warming up" : `${perSecond.toFixed(0)}/s${p99}, ${inFlight} under way${failed}`;
    this.#progress.advance(step - this.#shown, text);
    this.#shown = step;
  }

  end(): void {
    this.#progress.advance(this.#steps - this.#shown, "measured");
  }
}
