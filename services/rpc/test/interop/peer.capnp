# The interface of this package's tests, spoken by its own server (test-peer.ts) and by the C++ ones (peer.cpp).
@0x9c1f5a4e2d873019;

interface TestPeer @0xe1a2b3c4d5e6f701 {
  echo @0 (data :Data) -> (data :Data);
  fail @1 (reason :Text) -> ();
  # Ends only by being canceled.
  never @2 () -> ();
  login @3 (user :Text) -> (session :Session);
  # Answered when openGate is called.
  slowLogin @4 (user :Text) -> (session :Session);
  openGate @5 () -> ();
  # Calls the watcher count times and waits for it.
  watch @6 (watcher :Watcher, count :UInt32) -> (delivered :UInt32);
  # Gives back what it was given.
  reflect @7 (watcher :Watcher) -> (watcher :Watcher);
  counts @8 () -> (canceled :UInt32, sessions :UInt32);
  # Fails unless n follows the n before.
  sequence @9 (n :UInt32) -> ();
  slowReflect @10 (watcher :Watcher) -> (watcher :Watcher);
  missing @11 () -> ();
}

interface Session @0xe1a2b3c4d5e6f702 {
  whoami @0 () -> (name :Text);
}

interface Watcher @0xe1a2b3c4d5e6f703 {
  notify @0 (n :UInt32) -> ();
}
