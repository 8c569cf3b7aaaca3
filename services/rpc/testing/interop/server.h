// The C++ server of peer.capnp. Each connection has an object of its own; the counts are the process's.
#pragma once
#include "peer.capnp.h"
#include <capnp/capability.h>

kj::Own<TestPeer::Server> newTestPeer();

// Serves on a free port of 127.0.0.1, prints "port N", until its input ends.
int serve();
