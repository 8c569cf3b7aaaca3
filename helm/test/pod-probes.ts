/** The kubelet's half of a probe: asks as often, waits as long and gives up when the pod says. */
import { setTimeout as pause } from "node:timers/promises";
import type { Pod } from "./pod.ts";
import type { Probe } from "./pod-spec.ts";

/** What a probe's page answers now. Rejects when nothing does in its time. */
export async function probeOnce(
  pod: Pod,
  { httpGet, timeoutSeconds }: Probe,
): Promise<{ status: number; text: string }> {
  const port = pod.container.ports?.find(({ name, protocol }) => name === httpGet.port && protocol === "TCP");
  const response = await fetch(`http://${pod.address}:${port?.containerPort}${httpGet.path}`, {
    signal: AbortSignal.timeout(timeoutSeconds * 1_000),
  });
  return { status: response.status, text: await response.text() };
}

/** Resolves when the pod is started and ready; rejects with what it wrote when its probe gives it up. */
export async function ready(pod: Pod): Promise<void> {
  for (const probe of [pod.container.startupProbe, pod.container.readinessProbe]) await passes(pod, probe as Probe);
}

async function passes(pod: Pod, probe: Probe): Promise<void> {
  for (let failures = 0; failures < probe.failureThreshold * patience; failures++) {
    const { status } = await probeOnce(pod, probe).catch(() => ({ status: 0 }));
    if (status >= 200 && status < 400) return;
    const ended = await Promise.race([pod.ended, pause(probe.periodSeconds * 1_000, "running" as const)]);
    if (ended !== "running") throw new Error(`the pod ended with ${ended}: ${pod.output}`);
  }
  throw new Error(`the pod does not pass ${probe.httpGet.path}: ${pod.output}`);
}

/** A busy machine starts a process later than any cluster would. */
const patience = 3;
