// Runs scenarios against a server of peer.capnp and prints a line for each: "name: result" or "name: FAILED reason".
#pragma once
#include "peer.capnp.h"
#include <kj/async-io.h>
#include <kj/function.h>

void callScenarios(class Client& client);
void capabilityScenarios(class Client& client);

class Client {
public:
  Client(kj::AsyncIoContext& io, uint32_t port) : io(io), port(port) {}

  // Each has a connection of its own.
  void scenario(const char* name, kj::Function<kj::String(TestPeer::Client)> run);

  // 20 s: a hang becomes a line that says which scenario hangs.
  template <typename T>
  T wait(kj::Promise<T> promise) {
    return io.provider->getTimer().timeoutAfter(20 * kj::SECONDS, kj::mv(promise)).wait(io.waitScope);
  }

  // "3 reason": the number of the exception's type, as rpc.capnp counts them.
  kj::String errorOf(kj::Promise<void> promise);

  // Asks until it holds, as the peer learns of a Finish or Release after we have gone on; answers the counts.
  kj::String until(TestPeer::Client peer, kj::Function<bool(TestPeer::CountsResults::Reader)> holds);

  // Cuts the scenario's connection as a network does, whatever is outstanding.
  void cut();

private:
  kj::AsyncIoContext& io;
  uint32_t port;
  kj::Maybe<kj::AsyncIoStream&> current;
};

template <typename Pending>
kj::Promise<kj::String> nameOf(Pending whoami) {
  return whoami.then([](auto&& answer) { return kj::str(answer.getName()); });
}
