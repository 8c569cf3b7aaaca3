/** Secrets that were used, and whether any of them, or a part, can be read in a text. */

/** So many characters of a form in a row give a secret away: 6 bytes in hex, 7 in base64, 8 raw. */
const forms: Readonly<Record<string, { readonly of: (secret: Buffer) => readonly string[]; readonly length: number }>> =
  {
    raw: { of: (secret) => [secret.toString("latin1"), secret.toString("utf8")], length: 8 },
    hex: { of: (secret) => [secret.toString("hex"), secret.toString("hex").toUpperCase()], length: 12 },
    // inside of longer bytes it can begin at any of three places
    base64: { of: (secret) => shifted(secret).map((bytes) => bytes.toString("base64")), length: 10 },
    base64url: { of: (secret) => shifted(secret).map((bytes) => bytes.toString("base64url")), length: 10 },
    decimal: { of: (secret) => [secret.join(","), secret.join(", ")], length: 20 },
  };

export class Canaries {
  readonly #secrets = new Map<string, string>();

  /** `name`: what is told of it when it is found. Too short, or all alike, and it would be found by chance. */
  add(name: string, secret: Uint8Array | string): void {
    const bytes = Buffer.from(secret as Uint8Array);
    if (new Set(bytes).size >= 8) this.#secrets.set(bytes.toString("latin1"), name);
  }

  /** All bytes in a call's parameters or results, however deep, and the names of people and devices. */
  addAll(name: string, fields: unknown): void {
    if (fields instanceof Uint8Array) return this.add(name, fields);
    if (typeof fields !== "object" || fields === null) return;
    for (const [field, value] of Object.entries(fields)) {
      if (typeof value === "string" && ["username", "deviceName"].includes(field)) this.add(`${name}.${field}`, value);
      else this.addAll(`${name}.${field}`, value);
    }
  }

  get size(): number {
    return this.#secrets.size;
  }

  /** Each secret and form that is there. */
  findIn(text: string): string[] {
    const found: string[] = [];
    for (const [form, { of, length }] of Object.entries(forms)) {
      const parts = partsOf(text, length);
      for (const [secret, name] of this.#secrets) {
        const isThere = of(Buffer.from(secret, "latin1")).some((one) =>
          [...partsOf(one, length)].some((p) => parts.has(p)),
        );
        if (isThere) found.push(`${name} as ${form}`);
      }
    }
    return found;
  }
}

function shifted(secret: Buffer): Buffer[] {
  return [0, 1, 2].map((at) => secret.subarray(at));
}

function partsOf(text: string, length: number): Set<string> {
  const parts = new Set<string>();
  for (let at = 0; at + length <= text.length; at++) parts.add(text.slice(at, at + length));
  return parts;
}
