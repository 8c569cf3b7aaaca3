/** Parameters that have the form of every method of NodeService, for one key. */
const bytes16 = new Uint8Array(16).fill(1);
const bytes32 = new Uint8Array(32).fill(1);
const hello = Buffer.from("hello");

export function anyParams(key: Uint8Array) {
  return {
    identityKey: key,
    recipientKey: key,
    recipientKeys: [key],
    identityKeys: [key],
    senderKey: bytes32,
    peerKey: bytes32,
    package: hello,
    payload: hello,
    hybridPublicKey: hello,
    signature: hello,
    seqUpTo: 0n,
    groupId: bytes16,
    epoch: 0n,
    entries: [],
    epochProof: bytes32,
    nextProofHash: bytes32,
    idempotencyKey: bytes16,
    username: "somebody",
    request: hello,
    upload: hello,
    finalization: hello,
    loginId: hello,
    identityProof: hello,
    endpoint: hello,
    blobHash: bytes32,
    blobId: bytes32,
    chunk: hello,
    offset: 0n,
    totalSize: 5n,
    length: 5,
    mimeType: "text/plain",
    deviceKey: bytes32,
    deviceId: bytes16,
    deviceName: "phone",
    tokenHash: bytes32,
    blocked: false,
    all: false,
  };
}
