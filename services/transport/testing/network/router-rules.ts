/** What the router of a test network does to datagrams, as a script for nft. */
import { randomOf } from "../random.ts";

export type Loss = {
  readonly seed: number;
  readonly toServerPercent: number;
  readonly toClientPercent: number;
};

export type RouterRules = {
  readonly loss: Loss | undefined;
  /** drop: in silence. reject: with ICMP "port unreachable". TCP passes always. */
  readonly udp: "pass" | "drop" | "reject";
  /** UDP ports that the router sends from in the client's place; undefined = no translation. */
  readonly translateTo: readonly [first: number, last: number] | undefined;
};

/** Counters of the router's table. */
export const counterNames = ["lostToServer", "lostToClient", "fragments"] as const;
export type CounterName = (typeof counterNames)[number];

const table = "inet network";
// The kernel's numbers count the datagrams of a rule: which of every 997 are lost is the seed's choice, so a run can
// be had again, which `numgen random` doesn't allow. A prime, so that no rhythm of the traffic meets the same ones.
const period = 997;

/** Once, before any rules. Fragments are counted before the kernel puts them together again. */
export function tableScript(): string {
  return `
    table ${table} {
      ${counterNames.map((name) => `counter ${name} { }`).join("\n")}
      chain pieces {
        type filter hook prerouting priority -450
        ip frag-off & 0x3fff != 0 counter name fragments
        exthdr frag exists counter name fragments
      }
      chain faults { type filter hook forward priority 0; }
      chain translation { type nat hook postrouting priority srcnat; }
    }
  `;
}

/** All rules in one transaction: no datagram meets half of them. */
export function rulesScript({ loss, udp, translateTo }: RouterRules): string {
  const lines = [`flush chain ${table} faults`, `flush chain ${table} translation`];
  const add = (chain: string, rule: string): void => void lines.push(`add rule ${table} ${chain} ${rule}`);
  if (udp !== "pass") add("faults", `meta l4proto udp ${udp}`);
  if (loss !== undefined) {
    const lose = (from: string, lost: readonly number[], counter: CounterName): void => {
      if (lost.length === 0) return;
      const chosen = `numgen inc mod ${period} { ${lost.join(", ")} }`;
      add("faults", `iifname ${from} meta l4proto udp ${chosen} counter name ${counter} drop`);
    };
    lose("inside", chosenOf(loss.seed, loss.toServerPercent), "lostToServer");
    lose("outside", chosenOf(loss.seed + 1, loss.toClientPercent), "lostToClient");
  }
  if (translateTo !== undefined) {
    const [first, last] = translateTo;
    add("translation", `oifname outside meta l4proto { tcp, udp } masquerade to :${first}-${last}`);
  }
  return lines.join("\n");
}

/** So many percent of the numbers below the period, by a seed. */
function chosenOf(seed: number, percent: number): readonly number[] {
  const random = randomOf(seed);
  const numbers = Array.from({ length: period }, (_, number) => ({ number, at: random() }));
  numbers.sort((one, other) => one.at - other.at);
  return numbers.slice(0, Math.round((period * percent) / 100)).map(({ number }) => number);
}
