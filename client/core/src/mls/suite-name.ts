/** The one suite of the wire contract, 0x0001: mandatory in RFC 9420, so every other MLS has it. */
export const suiteName = "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519" as const;
