@0xe4a7f2c8b1d63509;
# The envelope of the stand-alone services (auth.capnp, delivery.capnp): one tagged message for everything. NodeService
# superseded it; readers of old archives still meet it. Its payload is opaque to the server.

struct Envelope {
  msgType @0 :MsgType;
  groupId @1 :Data;
  # MLS group id; empty where a type has none.
  senderId @2 :Data;
  # 32-byte raw Ed25519 public key of the sender.
  payload @3 :Data;
  timestampMs @4 :UInt64;
  # Sender's clock, in ms since the Unix epoch.
}

enum MsgType {
  ping @0;
  pong @1;
  keyPackageUpload @2;
  keyPackageFetch @3;
  keyPackageResponse @4;
  mlsWelcome @5;
  mlsCommit @6;
  mlsApplication @7;
  error @8;
}
