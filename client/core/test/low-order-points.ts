/** The X25519 public keys whose shared secret is zero with every private key (RFC 7748 section 6.1). */

const points = [
  ["0", "0000000000000000000000000000000000000000000000000000000000000000"],
  ["1", "0100000000000000000000000000000000000000000000000000000000000000"],
  ["order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
  ["order 8, the other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"],
  ["p - 1", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ["p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
  ["p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
] as const;

/** Each point as it is, and with the top bit set, which X25519 ignores. */
export const lowOrderPoints: readonly { readonly name: string; readonly bytes: Uint8Array }[] = points.flatMap(
  ([name, hex]) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    const masked = Uint8Array.from(bytes, (byte, at) => (at === 31 ? byte | 0x80 : byte));
    return [
      { name, bytes },
      { name: `${name}, top bit set`, bytes: masked },
    ];
  },
);
