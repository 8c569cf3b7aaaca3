# The interface of this package's tests, spoken by its own server (test-peer.ts) and by the C++ ones (peer.cpp).
@0x9c1f5a4e2d873019;

struct Bytes {
  data @0 :Data;
}

# Something with many pointers, to fill many segments.
struct Item {
  n @0 :UInt32;
  text @1 :Text;
  data @2 :Data;
  items @3 :List(Item);
}

interface TestPeer @0xe1a2b3c4d5e6f701 {
  echo @0 Bytes -> Bytes;
  # Fails as `overloaded`.
  fail @1 (reason :Text) -> ();
  # Ends only by being canceled.
  never @2 () -> ();
  login @3 (user :Text) -> (session :Session);
  # The slow methods are answered when openGate is called.
  slowLogin @4 (user :Text) -> (session :Session);
  openGate @5 () -> ();
  # Calls the watcher count times and waits for it.
  watch @6 (watcher :Watcher, count :UInt32) -> (delivered :UInt32);
  # Gives back what it was given.
  reflect @7 (watcher :Watcher) -> (watcher :Watcher);
  # exports: what the session of our own server exports; the C++ one answers 0.
  counts @8 () -> (canceled :UInt32, sessions :UInt32, exports :UInt32);
  # Fails unless n is one more than the n before.
  sequence @9 (n :UInt32) -> ();
  slowReflect @10 (watcher :Watcher) -> (watcher :Watcher);
  # Declared, implemented nowhere.
  missing @11 () -> ();
  # Answers at once with a promise that becomes what was given when the gate opens.
  promiseReflect @12 (watcher :Watcher) -> (watcher :Watcher);
  # Calls echo of the given peer and answers what that answers, as a tail call where there is such a thing.
  tailEcho @13 (peer :TestPeer, data :Data) -> Bytes;
  # Keeps the watcher after the call.
  keep @14 (watcher :Watcher) -> ();
  # Calls the kept watcher.
  notifyKept @15 (n :UInt32) -> ();
  dropKept @16 () -> ();
  # Declared, implemented nowhere: for calls pipelined on a failure.
  failLogin @17 (user :Text) -> (session :Session);
  # The C++ sides build both messages in many segments.
  echoItems @18 (items :List(Item)) -> (items :List(Item));
  # Fails with this type, a number of rpc.capnp's Exception.Type.
  failAs @19 (type :UInt16, reason :Text) -> ();
  adminLogin @20 (user :Text) -> (session :AdminSession);
  # Goes away without an answer to this or any other call: our server ends the session, the C++ one its process.
  hangUp @21 () -> ();
}

interface Session @0xe1a2b3c4d5e6f702 {
  whoami @0 () -> (name :Text);
}

# Inherits whoami.
interface AdminSession @0xe1a2b3c4d5e6f704 extends(Session) {
  kick @0 (user :Text) -> (left :Text);
}

interface Watcher @0xe1a2b3c4d5e6f703 {
  notify @0 (n :UInt32) -> ();
}
