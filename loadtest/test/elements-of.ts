/** Whether a page or a chart is well formed, and what stands in it. */
import assert from "node:assert/strict";

/** Reads XML as strictly as these documents need: tags that match, attributes in quotes, no stray special characters. */
export function elementsOf(
  xml: string,
): readonly { readonly name: string; readonly attributes: ReadonlyMap<string, string> }[] {
  const found = [];
  const open: string[] = [];
  const token = /<(\/?)([\w-]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|([^<>]+)/gy;
  let at = 0;
  for (let match = token.exec(xml); match !== null; match = token.exec(xml)) {
    at = token.lastIndex;
    const [, closes, name = "", attributes = "", isEmpty, text] = match;
    if (text !== undefined) {
      assert.doesNotMatch(text, /&(?!amp;|lt;|gt;|quot;)/, "a special character stands unescaped");
      continue;
    }
    assert.doesNotMatch(attributes, /&(?!amp;|lt;|gt;|quot;)/);
    if (closes === "/") {
      assert.equal(open.pop(), name);
      continue;
    }
    if (isEmpty !== "/") open.push(name);
    found.push({
      name,
      attributes: new Map(
        [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]),
      ),
    });
  }
  assert.equal(at, xml.length, `not well formed at: ${xml.slice(at, at + 80)}`);
  assert.deepEqual(open, []);
  return found;
}
