/**
 * Domain-separation labels. The old name `quicnprotochat` stands here on purpose: keys, signatures and envelopes made
 * under these labels must stay valid, so a rename of the product does not rename them. A test shows that the old name
 * occurs only in this file, in the P2P ALPN (also here) and in their docs.
 *
 * Each use of a key signs or derives under its own label, so a signature made for one purpose proves nothing for another.
 */
export const labels = {
  /** HKDF info of the hybrid KEM envelope. */
  hybridKem: "quicnprotochat-hybrid-v1",
  /** Identity key signs its hybrid public key. */
  hybridKey: "quicnprotochat-hybrid-key-v1",
  /** Identity key signs a further device's key. */
  device: "quicnprotochat-device-v1",
  /** Identity key proves itself at registration. */
  register: "quicnprotochat-register-v1",
  /** Identity key proves itself at login. */
  login: "quicnprotochat-login-v1",
  /** HKDF info of the key that seals a login's state into its loginId. */
  loginState: "quicnprotochat-login-state-v1",
  /** HKDF info of the key that makes the ids by which the audit log names users. */
  audit: "quicnprotochat-audit-v1",
  /** HKDF info of the keys that a front-end derives from its transport secret: session tickets, Retry tokens, stateless resets. */
  ticketKey: "quicnprotochat-ticket-key-v1",
  retryKey: "quicnprotochat-retry-key-v1",
  resetKey: "quicnprotochat-reset-key-v1",
  /** HKDF info of the id by which workers on one port, and load balancers, know each other's connections. */
  serverId: "quicnprotochat-server-id-v1",
  /** Hash of two identity keys, shown as digits that two people compare. */
  safetyNumber: "quicnprotochat-safety-number-v1",
  /** MLS exporter label of the epoch proof that orders commits. */
  commit: "quicnprotochat-commit-v1",
  /** HKDF info of the two keys of a client's record database: content, and names of rows. */
  record: "quicnprotochat-record-v1",
  recordName: "quicnprotochat-record-name-v1",
} as const;

/** ALPN of a front-end. */
export const alpnNode = "capnp";
/** ALPN between two peers. */
export const alpnP2p = "quicnprotochat/p2p/1";
