/** Elements of an SVG document as text. Numbers are rounded to a tenth of a pixel, text and attributes are escaped. */

export type Attributes = Readonly<Record<string, string | number>>;

/** Children are elements already; text goes through escapeText first. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  const inner = children.join("");
  return inner === "" ? `<${name}${words.join("")}/>` : `<${name}${words.join("")}>${inner}</${name}>`;
}

export function textElement(content: string, attributes: Attributes): string {
  return element("text", attributes, escapeText(content));
}

/** For text and attributes; what XML 1.0 cannot carry at all is left out. */
export function escapeText(text: string): string {
  return (
    text
      // oxlint-disable-next-line no-control-regex -- these are what XML forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}

export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function attributeText(value: string | number): string {
  return typeof value === "number" ? String(rounded(value)) : escapeText(value);
}
