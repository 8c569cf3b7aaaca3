// The C++ reference implementation speaking interop/peer.capnp, to hold this package against it.
//   peer server          serves on a free port of 127.0.0.1, prints "port N", until its input ends
//   peer client PORT     runs every scenario against a server, one line each: "name: result" or "name: FAILED reason"
#include "peer.capnp.h"
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <unistd.h>
#include <iostream>

namespace {

int canceled = 0;
int sessions = 0;

struct CancelCounter {
  ~CancelCounter() { canceled++; }
};

class SessionImpl final : public Session::Server {
public:
  explicit SessionImpl(kj::String user) : user(kj::mv(user)) { sessions++; }
  ~SessionImpl() { sessions--; }

  kj::Promise<void> whoami(WhoamiContext context) override {
    context.getResults().setName(user);
    return kj::READY_NOW;
  }

private:
  kj::String user;
};

class TestPeerImpl final : public TestPeer::Server {
public:
  TestPeerImpl() : gate(kj::newPromiseAndFulfiller<void>()), opened(gate.promise.fork()) {}

  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }

  kj::Promise<void> fail(FailContext context) override {
    kj::throwFatalException(kj::Exception(kj::Exception::Type::OVERLOADED, __FILE__, __LINE__,
                                          kj::str(context.getParams().getReason())));
  }

  kj::Promise<void> never(NeverContext context) override {
    context.allowCancellation();
    return kj::Promise<void>(kj::NEVER_DONE).attach(kj::heap<CancelCounter>());
  }

  kj::Promise<void> login(LoginContext context) override {
    context.getResults().setSession(kj::heap<SessionImpl>(kj::str(context.getParams().getUser())));
    return kj::READY_NOW;
  }

  kj::Promise<void> slowLogin(SlowLoginContext context) override {
    return opened.addBranch().then([context]() mutable {
      context.getResults().setSession(kj::heap<SessionImpl>(kj::str(context.getParams().getUser())));
    });
  }

  kj::Promise<void> openGate(OpenGateContext) override {
    gate.fulfiller->fulfill();
    return kj::READY_NOW;
  }

  kj::Promise<void> watch(WatchContext context) override {
    auto watcher = context.getParams().getWatcher();
    auto count = context.getParams().getCount();
    kj::Vector<kj::Promise<void>> calls;
    for (uint32_t n = 0; n < count; n++) {
      auto request = watcher.notifyRequest();
      request.setN(n);
      calls.add(request.send().ignoreResult());
    }
    return kj::joinPromises(calls.releaseAsArray()).then([context, count]() mutable {
      context.getResults().setDelivered(count);
    });
  }

  kj::Promise<void> reflect(ReflectContext context) override {
    context.getResults().setWatcher(context.getParams().getWatcher());
    return kj::READY_NOW;
  }

  kj::Promise<void> slowReflect(SlowReflectContext context) override {
    return opened.addBranch().then([context]() mutable {
      context.getResults().setWatcher(context.getParams().getWatcher());
    });
  }

  // A promise that resolves to what the caller passed: the answer holds a senderPromise, then comes a Resolve.
  kj::Promise<void> promiseReflect(PromiseReflectContext context) override {
    auto watcher = context.getParams().getWatcher();
    context.getResults().setWatcher(
        Watcher::Client(opened.addBranch().then([watcher]() mutable { return kj::mv(watcher); })));
    return kj::READY_NOW;
  }

  // A tail call: the results never come this way.
  kj::Promise<void> tailEcho(TailEchoContext context) override {
    auto request = context.getParams().getPeer().echoRequest();
    request.setData(context.getParams().getData());
    return context.tailCall(kj::mv(request));
  }

  kj::Promise<void> keep(KeepContext context) override {
    kept = context.getParams().getWatcher();
    return kj::READY_NOW;
  }

  kj::Promise<void> notifyKept(NotifyKeptContext context) override {
    auto request = KJ_REQUIRE_NONNULL(kept).notifyRequest();
    request.setN(context.getParams().getN());
    return request.send().ignoreResult();
  }

  kj::Promise<void> dropKept(DropKeptContext) override {
    kept = nullptr;
    return kj::READY_NOW;
  }

  kj::Promise<void> counts(CountsContext context) override {
    context.getResults().setCanceled(canceled);
    context.getResults().setSessions(sessions);
    return kj::READY_NOW;
  }

  kj::Promise<void> sequence(SequenceContext context) override {
    auto n = context.getParams().getN();
    KJ_REQUIRE(n == last + 1, "out of order", n, last);
    last = n;
    return kj::READY_NOW;
  }

private:
  kj::PromiseFulfillerPair<void> gate;
  kj::ForkedPromise<void> opened;
  uint32_t last = 0;
  kj::Maybe<Watcher::Client> kept;
};

class WatcherImpl final : public Watcher::Server {
public:
  explicit WatcherImpl(kj::Vector<uint32_t>& seen) : seen(seen) { alive++; }
  ~WatcherImpl() { alive--; }

  kj::Promise<void> notify(NotifyContext context) override {
    seen.add(context.getParams().getN());
    return kj::READY_NOW;
  }

  static int alive;

private:
  kj::Vector<uint32_t>& seen;
};
int WatcherImpl::alive = 0;

int serve() {
  auto io = kj::setupAsyncIo();
  capnp::TwoPartyServer server(kj::heap<TestPeerImpl>());
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope);
  auto listener = address->listen();
  std::cout << "port " << listener->getPort() << std::endl;
  auto input = io.lowLevelProvider->wrapInputFd(STDIN_FILENO);
  char byte;
  server.listen(*listener).exclusiveJoin(input->tryRead(&byte, 1, 1).ignoreResult()).wait(io.waitScope);
  return 0;
}

// One scenario gets a connection of its own.
class Client {
public:
  Client(kj::AsyncIoContext& io, uint port) : io(io), port(port) {}

  template <typename Run>
  void scenario(const char* name, Run run) {
    std::cout << name << ": ";
    auto failure = kj::runCatchingExceptions([&] {
      auto address = io.provider->getNetwork().parseAddress("127.0.0.1", port).wait(io.waitScope);
      auto stream = address->connect().wait(io.waitScope);
      capnp::TwoPartyClient client(*stream);
      std::cout << run(client.bootstrap().castAs<TestPeer>()).cStr();
    });
    KJ_IF_MAYBE(e, failure) {
      std::cout << "FAILED " << e->getDescription().cStr();
    }
    std::cout << std::endl;
  }

  // 5 s: a hang becomes a line that says which scenario hangs.
  template <typename T>
  T wait(kj::Promise<T> promise) {
    return io.provider->getTimer().timeoutAfter(5 * kj::SECONDS, kj::mv(promise)).wait(io.waitScope);
  }

  kj::String errorOf(kj::Promise<void> promise) {
    return wait(promise.then([] { return kj::str("no error"); }, [](kj::Exception&& e) {
      return kj::str(static_cast<int>(e.getType()), " ", e.getDescription());
    }));
  }

  // Asks until it holds: the peer learns of a Finish or Release after we have gone on.
  template <typename Holds>
  kj::String until(TestPeer::Client peer, Holds holds) {
    for (int round = 0; round < 1000; round++) {
      auto counts = wait(peer.countsRequest().send());
      if (holds(counts)) return kj::str("canceled ", counts.getCanceled(), " sessions ", counts.getSessions());
    }
    return kj::str("FAILED never came");
  }

private:
  kj::AsyncIoContext& io;
  uint port;
};

kj::String join(kj::ArrayPtr<const uint32_t> numbers) {
  return kj::strArray(numbers, " ");
}

void basics(Client& client) {
  client.scenario("echo", [&](TestPeer::Client peer) {
    auto request = peer.echoRequest();
    auto data = request.initData(200);
    memset(data.begin(), 7, data.size());
    auto answer = client.wait(kj::Promise<capnp::Response<Bytes>>(request.send()));
    return kj::str(answer.getData().size(), " ", static_cast<int>(answer.getData()[199]));
  });
  client.scenario("echo 1 MiB", [&](TestPeer::Client peer) {
    auto request = peer.echoRequest();
    auto data = request.initData(1 << 20);
    data[(1 << 20) - 1] = 9;
    auto answer = client.wait(kj::Promise<capnp::Response<Bytes>>(request.send()));
    return kj::str(answer.getData().size(), " ", static_cast<int>(answer.getData()[(1 << 20) - 1]));
  });
  client.scenario("1000 outstanding", [&](TestPeer::Client peer) {
    kj::Vector<kj::Promise<void>> calls;
    int good = 0;
    for (int i = 0; i < 1000; i++) {
      auto request = peer.echoRequest();
      request.initData(100)[0] = i & 255;
      calls.add(request.send().then([&good, i](capnp::Response<Bytes>&& r) { good += r.getData()[0] == (i & 255); }));
    }
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return kj::str(good);
  });
  client.scenario("order", [&](TestPeer::Client peer) {
    kj::Vector<kj::Promise<void>> calls;
    for (int n = 1; n <= 500; n++) {
      auto request = peer.sequenceRequest();
      request.setN(n);
      calls.add(request.send().ignoreResult());
    }
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return kj::str("kept");
  });
}

void errors(Client& client) {
  client.scenario("fail", [&](TestPeer::Client peer) {
    auto request = peer.failRequest();
    request.setReason("busy");
    return client.errorOf(request.send().ignoreResult());
  });
  client.scenario("missing method", [&](TestPeer::Client peer) {
    return client.errorOf(peer.missingRequest().send().ignoreResult());
  });
  client.scenario("wrong interface", [&](TestPeer::Client peer) {
    auto error = client.errorOf(peer.castAs<Watcher>().notifyRequest().send().ignoreResult());
    client.wait(peer.countsRequest().send().ignoreResult());
    return error;
  });
}

kj::Promise<kj::String> whoami(Session::Client session) {
  return session.whoamiRequest().send().then([](auto&& r) { return kj::str(r.getName()); });
}

void pipelining(Client& client) {
  client.scenario("pipelined", [&](TestPeer::Client peer) {
    auto login = peer.loginRequest();
    login.setUser("bob");
    return client.wait(whoami(login.send().getSession()));
  });
  client.scenario("pipelined on a pending answer", [&](TestPeer::Client peer) {
    auto login = peer.slowLoginRequest();
    login.setUser("eve");
    auto session = login.send().getSession();
    kj::Vector<kj::Promise<void>> calls;
    int good = 0;
    for (int i = 0; i < 100; i++) {
      calls.add(whoami(session).then([&good](kj::String&& name) { good += name == "eve"; }));
    }
    client.wait(peer.openGateRequest().send().ignoreResult());
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return kj::str(good);
  });
  client.scenario("pipelined on a failure", [&](TestPeer::Client peer) {
    return client.errorOf(whoami(peer.failLoginRequest().send().getSession()).ignoreResult());
  });
  client.scenario("answer, then call", [&](TestPeer::Client peer) {
    auto login = peer.loginRequest();
    login.setUser("al");
    auto session = client.wait(kj::Promise<capnp::Response<TestPeer::LoginResults>>(login.send())).getSession();
    auto first = client.wait(whoami(session));
    return kj::str(first, " ", client.wait(whoami(session)));
  });
  client.scenario("inherited method", [&](TestPeer::Client peer) {
    auto login = peer.loginRequest();
    login.setUser("root");
    auto session = login.send().getSession().castAs<AdminSession>();
    return client.wait(whoami(session));
  });
}

void capabilities(Client& client) {
  client.scenario("callback", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.watchRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    request.setCount(20);
    auto delivered = client.wait(kj::Promise<capnp::Response<TestPeer::WatchResults>>(request.send())).getDelivered();
    for (int round = 0; WatcherImpl::alive > 0 && round < 1000; round++) {
      client.wait(peer.countsRequest().send().ignoreResult());
    }
    return kj::str(delivered, " ", seen.size(), " alive ", WatcherImpl::alive);
  });
  client.scenario("own capability reflected", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.reflectRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    auto watcher = client.wait(kj::Promise<capnp::Response<TestPeer::ReflectResults>>(request.send())).getWatcher();
    auto notify = watcher.notifyRequest();
    notify.setN(4);
    client.wait(notify.send().ignoreResult());
    return join(seen);
  });
  // Calls made before the answer go by the peer, later ones directly: a Disembargo keeps them in order.
  client.scenario("reflected with an embargo", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.slowReflectRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    auto pending = request.send();
    auto watcher = pending.getWatcher();
    kj::Vector<kj::Promise<void>> calls;
    auto notify = [&](uint32_t n) {
      auto call = watcher.notifyRequest();
      call.setN(n);
      calls.add(call.send().ignoreResult());
    };
    notify(1);
    notify(2);
    client.wait(peer.openGateRequest().send().ignoreResult());
    client.wait(pending.ignoreResult());
    notify(3);
    notify(4);
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return join(seen);
  });
  client.scenario("kept capability", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto keep = peer.keepRequest();
    keep.setWatcher(kj::heap<WatcherImpl>(seen));
    client.wait(keep.send().ignoreResult());
    auto notify = peer.notifyKeptRequest();
    notify.setN(6);
    client.wait(notify.send().ignoreResult());
    client.wait(peer.dropKeptRequest().send().ignoreResult());
    for (int round = 0; WatcherImpl::alive > 0 && round < 1000; round++) {
      client.wait(peer.countsRequest().send().ignoreResult());
    }
    return kj::str(join(seen), " alive ", WatcherImpl::alive);
  });
  client.scenario("2000 sessions dropped", [&](TestPeer::Client peer) {
    for (int i = 0; i < 2000; i++) {
      auto login = peer.loginRequest();
      login.setUser("x");
      client.wait(login.send().ignoreResult());
    }
    return client.until(peer, [](auto& counts) { return counts.getSessions() == 0; });
  });
}

void cancellation(Client& client) {
  client.scenario("cancel", [&](TestPeer::Client peer) {
    {
      auto pending = peer.neverRequest().send();
      client.wait(peer.countsRequest().send().ignoreResult());
    }
    return client.until(peer, [](auto& counts) { return counts.getCanceled() == 1; });
  });
  client.scenario("long call beside others", [&](TestPeer::Client peer) {
    auto login = peer.slowLoginRequest();
    login.setUser("late");
    auto pending = login.send();
    for (int i = 0; i < 200; i++) client.wait(peer.countsRequest().send().ignoreResult());
    client.wait(peer.openGateRequest().send().ignoreResult());
    auto session = client.wait(kj::Promise<capnp::Response<TestPeer::SlowLoginResults>>(kj::mv(pending))).getSession();
    return client.wait(whoami(session));
  });
  client.scenario("disconnect with a call outstanding", [&](TestPeer::Client peer) {
    auto pending = peer.neverRequest().send();
    client.wait(peer.countsRequest().send().ignoreResult());
    return kj::str("gone");
  });
}

int run(uint port) {
  auto io = kj::setupAsyncIo();
  Client client(io, port);
  basics(client);
  errors(client);
  pipelining(client);
  capabilities(client);
  cancellation(client);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && kj::StringPtr(argv[1]) == "server") return serve();
  if (argc == 3 && kj::StringPtr(argv[1]) == "client") return run(static_cast<uint>(atoi(argv[2])));
  std::cerr << "usage: peer server | peer client PORT" << std::endl;
  return 2;
}
