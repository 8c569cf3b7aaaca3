/**
 * The network that an address is in, as far as one holder of addresses goes: /24 of IPv4, /56 of IPv6. Who has one address
 * often has them all, so limits count networks.
 */

/** `host`: as sockets give it; what is no address is a network of its own. */
export function networkOf(host: string): string {
  const [address = ""] = host.split("%");
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(address);
  if (v4 !== null) return `${v4[1]}.0/24`;
  if (!address.includes(":")) return host;
  const groups = groupsOf(address);
  const last = (groups[3] ?? 0) & 0xff00;
  return `${[...groups.slice(0, 3), last].map((group) => group.toString(16)).join(":")}::/56`;
}

/** The 8 groups of an IPv6 address (RFC 4291 section 2.2); an IPv4 tail lies beyond those that are asked for. */
function groupsOf(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...new Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
}
