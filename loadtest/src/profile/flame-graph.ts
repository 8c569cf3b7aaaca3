/**
 * A flame graph (B. Gregg, 2016) as one SVG without scripts: who calls stands above whom it calls, a function is as wide
 * as its share of the samples, and says which in its title. Frames below a set share are left out, so its size is bounded.
 */
import type { Frame, Node } from "./cpu-profile.ts";
import { type Part, partOf, parts } from "./parts.ts";

/** Of all samples: narrower frames are 3 pixels. */
const leastShare = 0.003;
const width = 1_200;
const rowHeight = 17;
/** Of a character of the font, about. */
const characterWidth = 6.2;
const headHeight = 64;
/** Deeper calls are left out. */
const depthMax = 60;

/** Told apart in dark and light, with black words on them. */
const colours: Record<Part, string> = {
  quic: "#7fb3e6",
  quic_native: "#a9d1f5",
  sockets: "#b7d7c4",
  rpc: "#f2c66d",
  delivery: "#f0a07c",
  store: "#c9a6e4",
  observe: "#e7a6c4",
  gc: "#d9d9d9",
  native: "#c4ccd4",
  other: "#e6e2d3",
};

/** `title`: what it shows. */
export function flameGraph(tree: Node, title: string): string {
  const frames: string[] = [];
  let depthReached = 0;
  const draw = (nodes: readonly Node[], left: number, depth: number): void => {
    let x = left;
    for (const [frame, callers] of merged(nodes)) {
      const samples = callers.reduce((sum, node) => sum + node.samples, 0);
      const share = samples / tree.samples;
      const wide = share * width;
      if (share >= leastShare && depth < depthMax) {
        depthReached = Math.max(depthReached, depth);
        frames.push(frameOf(frame, { part: partOf(callers[0] as Node), share, x, depth, wide }));
        draw(
          callers.flatMap(({ children }) => children),
          x,
          depth + 1,
        );
      }
      x += wide;
    }
  };
  draw(tree.children, 0, 0);
  const height = headHeight + (depthReached + 1) * rowHeight;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="16" font-size="14">${escaped(title)}</text>`,
    legend(),
    `<g font-family="monospace" font-size="10">`,
    ...frames,
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

/** Calls of one function from one place are one frame, wherever the profiler told them apart; the widest first. */
function merged(nodes: readonly Node[]): readonly (readonly [Frame, readonly Node[]])[] {
  const byFunction = new Map<string, Node[]>();
  for (const node of nodes) {
    const { functionName, url } = node.frame;
    const key = `${functionName} ${url}`;
    const same = byFunction.get(key);
    if (same === undefined) byFunction.set(key, [node]);
    else same.push(node);
  }
  const samplesOf = (same: readonly Node[]): number => same.reduce((sum, { samples }) => sum + samples, 0);
  return [...byFunction.values()]
    .sort((a, b) => samplesOf(b) - samplesOf(a))
    .map((same) => [(same[0] as Node).frame, same] as const);
}

type Drawn = {
  readonly part: Part;
  readonly share: number;
  readonly x: number;
  readonly depth: number;
  readonly wide: number;
};

function frameOf(frame: Frame, { part, share, x, depth, wide }: Drawn): string {
  const y = headHeight + depth * rowHeight;
  const name = frame.functionName === "" ? "(anonymous)" : frame.functionName;
  const title = `${name} ${placeOf(frame)} ${(share * 100).toFixed(1)} %`;
  const room = Math.floor((wide - 4) / characterWidth);
  const words = room < 3 ? "" : `<text x="${(x + 2).toFixed(1)}" y="${y + 12}">${escaped(name.slice(0, room))}</text>`;
  const size = `width="${Math.max(0.5, wide - 0.5).toFixed(1)}" height="${rowHeight - 1}"`;
  const box = `<rect x="${x.toFixed(1)}" y="${y}" ${size} fill="${colours[part]}"/>`;
  return `<g><title>${escaped(title)}</title>${box}${words}</g>`;
}

/** The file below the repository, without the machine's folders. */
function placeOf({ url, lineNumber }: Frame): string {
  const path =
    /(?:node_modules|services|schemas|client|loadtest)\/.*/.exec(url)?.[0] ?? (url.startsWith("node:") ? url : "");
  return path === "" ? "" : `${path}:${lineNumber + 1}`;
}

function legend(): string {
  const columns = 4;
  return Object.entries(parts)
    .map(([part, doc], i) => {
      const [x, y] = [4 + (i % columns) * (width / columns), 24 + Math.floor(i / columns) * 13];
      const box = `<rect x="${x}" y="${y}" width="10" height="10" fill="${colours[part as Part]}"/>`;
      return `${box}<text x="${x + 14}" y="${y + 9}" font-size="10">${escaped(doc)}</text>`;
    })
    .join("");
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
