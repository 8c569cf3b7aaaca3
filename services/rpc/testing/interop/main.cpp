// The C++ reference implementation speaking peer.capnp, to hold this package against it.
//   peer server          serves until its input ends, see server.h
//   peer client PORT     runs every scenario against a server, see scenario.h
#include "scenario.h"
#include "server.h"
#include <capnp/rpc-twoparty.h>
#include <kj/debug.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <iostream>

void Client::scenario(const char* name, kj::Function<kj::String(TestPeer::Client)> run) {
  std::cout << name << ": ";
  auto failure = kj::runCatchingExceptions([&] {
    auto address = io.provider->getNetwork().parseAddress("127.0.0.1", port).wait(io.waitScope);
    auto stream = address->connect().wait(io.waitScope);
    current = *stream;
    capnp::TwoPartyClient client(*stream);
    std::cout << run(client.bootstrap().castAs<TestPeer>()).cStr();
  });
  KJ_IF_MAYBE(e, failure) { std::cout << "FAILED " << e->getDescription().cStr(); }
  std::cout << std::endl;
}

kj::String Client::errorOf(kj::Promise<void> promise) {
  return wait(promise.then([] { return kj::str("no error"); }, [](kj::Exception&& e) {
    return kj::str(static_cast<int>(e.getType()), " ", e.getDescription());
  }));
}

kj::String Client::until(TestPeer::Client peer, kj::Function<bool(TestPeer::CountsResults::Reader)> holds) {
  for (int round = 0; round < 1000; round++) {
    auto counts = wait(peer.countsRequest().send());
    if (!holds(counts)) continue;
    return kj::str("canceled ", counts.getCanceled(), " sessions ", counts.getSessions(), " exports ",
                   counts.getExports());
  }
  return kj::str("FAILED never came");
}

void Client::cut() {
  int fd = KJ_REQUIRE_NONNULL(KJ_REQUIRE_NONNULL(current).getFd());
  KJ_SYSCALL(shutdown(fd, SHUT_RDWR));
}

int runClient(uint32_t port) {
  auto io = kj::setupAsyncIo();
  Client client(io, port);
  callScenarios(client);
  capabilityScenarios(client);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && kj::StringPtr(argv[1]) == "server") return serve();
  if (argc == 3 && kj::StringPtr(argv[1]) == "client") return runClient(static_cast<uint32_t>(atoi(argv[2])));
  std::cerr << "usage: peer server | peer client PORT" << std::endl;
  return 2;
}
