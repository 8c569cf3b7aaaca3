#include "server.h"
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

class SessionImpl final : public AdminSession::Server {
public:
  explicit SessionImpl(kj::String user) : user(kj::mv(user)) { sessions++; }
  ~SessionImpl() { sessions--; }

  kj::Promise<void> whoami(WhoamiContext context) override {
    context.getResults().setName(user);
    return kj::READY_NOW;
  }

  kj::Promise<void> kick(KickContext context) override {
    context.getResults().setLeft(kj::str(user, " without ", context.getParams().getUser()));
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
    throwAs(kj::Exception::Type::OVERLOADED, context.getParams().getReason());
    return kj::READY_NOW;
  }

  kj::Promise<void> failAs(FailAsContext context) override {
    auto params = context.getParams();
    throwAs(static_cast<kj::Exception::Type>(params.getType()), params.getReason());
    return kj::READY_NOW;
  }

  kj::Promise<void> never(NeverContext context) override {
    context.allowCancellation();
    return kj::Promise<void>(kj::NEVER_DONE).attach(kj::heap<CancelCounter>());
  }

  kj::Promise<void> login(LoginContext context) override {
    context.getResults().setSession(kj::heap<SessionImpl>(kj::str(context.getParams().getUser())));
    return kj::READY_NOW;
  }

  kj::Promise<void> adminLogin(AdminLoginContext context) override {
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

  // The answer holds a senderPromise; when the gate opens a Resolve follows.
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

  // Room for 8 words to begin with: each further segment is as large as all before it.
  kj::Promise<void> echoItems(EchoItemsContext context) override {
    context.getResults(capnp::MessageSize{8, 0}).setItems(context.getParams().getItems());
    return kj::READY_NOW;
  }

  kj::Promise<void> hangUp(HangUpContext) override { _exit(0); }

private:
  kj::PromiseFulfillerPair<void> gate;
  kj::ForkedPromise<void> opened;
  uint32_t last = 0;
  kj::Maybe<Watcher::Client> kept;

  void throwAs(kj::Exception::Type type, kj::StringPtr reason) {
    kj::throwFatalException(kj::Exception(type, __FILE__, __LINE__, kj::str(reason)));
  }
};

struct Connection {
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system;

  explicit Connection(kj::Own<kj::AsyncIoStream>&& accepted)
      : stream(kj::mv(accepted)),
        network(*stream, capnp::rpc::twoparty::Side::SERVER),
        system(capnp::makeRpcServer(network, capnp::Capability::Client(newTestPeer()))) {}
};

class Listener final : private kj::TaskSet::ErrorHandler {
public:
  explicit Listener(kj::ConnectionReceiver& receiver) : receiver(receiver), connections(*this) {}

  kj::Promise<void> acceptAll() {
    return receiver.accept().then([this](kj::Own<kj::AsyncIoStream>&& stream) {
      auto connection = kj::heap<Connection>(kj::mv(stream));
      auto gone = connection->network.onDisconnect();
      connections.add(gone.attach(kj::mv(connection)));
      return acceptAll();
    });
  }

private:
  kj::ConnectionReceiver& receiver;
  kj::TaskSet connections;

  void taskFailed(kj::Exception&& exception) override { KJ_LOG(ERROR, exception); }
};

}  // namespace

kj::Own<TestPeer::Server> newTestPeer() { return kj::heap<TestPeerImpl>(); }

int serve() {
  auto io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope);
  auto receiver = address->listen();
  std::cout << "port " << receiver->getPort() << std::endl;
  Listener listener(*receiver);
  auto input = io.lowLevelProvider->wrapInputFd(STDIN_FILENO);
  char byte;
  listener.acceptAll().exclusiveJoin(input->tryRead(&byte, 1, 1).ignoreResult()).wait(io.waitScope);
  return 0;
}
