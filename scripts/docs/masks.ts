/** What programs print, with a fixed form for all that is another each time: the same again from each run. */
import { createHash } from "node:crypto";

/** `places`: words of this run, and what a reader has in their place. */
export function masked(words: string, places: Readonly<Record<string, string>>): string {
  let text = words;
  for (const [here, there] of Object.entries(places)) text = text.replaceAll(here, there);
  return withOtherKeys(
    text
      .replace(/sha256:[A-Za-z0-9+/]{43}=/g, () => `sha256:${digest("pin").toString("base64")}`)
      .replace(/\b\d{5}(?: \d{5}){11}\b/g, safetyNumber())
      .replace(/\b\d{4}-\d\d-\d\d\b/g, "YYYY-MM-DD")
      .replace(/\b[\d.]+ (bytes|ms|GiB)\b/g, "N $1")
      .replace(/\bepoch \d+/g, "epoch N"),
  );
}

/**
 * Keys and ids in hex: the first one of a text is always the same, and so on; a key and its first digits stay alike. What
 * begins with zeros is the number of a file.
 */
function withOtherKeys(text: string): string {
  const known = new Map<string, string>();
  return text.replace(/\b(?!0000)[0-9a-f]{8,64}\b/g, (key) => {
    const begins = key.slice(0, 8);
    const other = known.get(begins) ?? digest(`key ${known.size}`).toString("hex");
    known.set(begins, other);
    return other.slice(0, key.length);
  });
}

function safetyNumber(): string {
  const groups = [...digest("safety number")].slice(0, 12).map((byte) => String(byte * 257).padStart(5, "0"));
  return groups.join(" ");
}

function digest(words: string): Buffer {
  return createHash("sha256").update(words).digest();
}
