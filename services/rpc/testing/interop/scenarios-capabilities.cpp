// Calls on results that are not there yet, and objects passed in both directions.
#include "scenario.h"
#include "server.h"

namespace {

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

kj::String join(kj::ArrayPtr<const uint32_t> numbers) { return kj::strArray(numbers, " "); }

kj::Promise<void> notify(Watcher::Client watcher, uint32_t n) {
  auto request = watcher.notifyRequest();
  request.setN(n);
  return request.send().ignoreResult();
}

// The peer has let go of every watcher, or the count that says how many it holds.
int watchersLeft(Client& client, TestPeer::Client peer) {
  for (int round = 0; WatcherImpl::alive > 0 && round < 1000; round++) {
    client.wait(peer.countsRequest().send().ignoreResult());
  }
  return WatcherImpl::alive;
}

void pipelining(Client& client) {
  client.scenario("pipelined", [&](TestPeer::Client peer) {
    auto login = peer.loginRequest();
    login.setUser("bob");
    return client.wait(nameOf(login.send().getSession().whoamiRequest().send()));
  });
  client.scenario("pipelined on a pending answer", [&](TestPeer::Client peer) {
    auto login = peer.slowLoginRequest();
    login.setUser("eve");
    auto session = login.send().getSession();
    kj::Vector<kj::Promise<void>> calls;
    int good = 0;
    for (int i = 0; i < 100; i++) {
      calls.add(nameOf(session.whoamiRequest().send()).then([&good](kj::String&& name) { good += name == "eve"; }));
    }
    client.wait(peer.openGateRequest().send().ignoreResult());
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return kj::str(good);
  });
  client.scenario("pipelined on a failure", [&](TestPeer::Client peer) {
    return client.errorOf(peer.failLoginRequest().send().getSession().whoamiRequest().send().ignoreResult());
  });
  client.scenario("answer, then call", [&](TestPeer::Client peer) {
    auto login = peer.loginRequest();
    login.setUser("al");
    auto session = client.wait(login.send()).getSession();
    auto first = client.wait(nameOf(session.whoamiRequest().send()));
    return kj::str(first, " ", client.wait(nameOf(session.whoamiRequest().send())));
  });
  client.scenario("inherited method", [&](TestPeer::Client peer) {
    auto login = peer.adminLoginRequest();
    login.setUser("root");
    auto session = login.send().getSession();
    auto kick = session.kickRequest();
    kick.setUser("eve");
    auto left = kick.send().then([](auto&& answer) { return kj::str(answer.getLeft()); });
    return kj::str(client.wait(nameOf(session.whoamiRequest().send())), ", ", client.wait(kj::mv(left)));
  });
  client.scenario("2000 sessions dropped", [&](TestPeer::Client peer) {
    for (int i = 0; i < 2000; i++) {
      auto login = peer.loginRequest();
      login.setUser("x");
      client.wait(login.send().ignoreResult());
    }
    return client.until(peer, [](auto counts) { return counts.getSessions() == 0; });
  });
}

void passed(Client& client) {
  client.scenario("callback", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.watchRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    request.setCount(20);
    auto delivered = client.wait(request.send()).getDelivered();
    return kj::str(delivered, " ", seen.size(), " left ", watchersLeft(client, peer));
  });
  client.scenario("kept capability", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto keep = peer.keepRequest();
    keep.setWatcher(kj::heap<WatcherImpl>(seen));
    client.wait(keep.send().ignoreResult());
    auto again = peer.notifyKeptRequest();
    again.setN(6);
    client.wait(again.send().ignoreResult());
    client.wait(peer.dropKeptRequest().send().ignoreResult());
    return kj::str(join(seen), " left ", watchersLeft(client, peer));
  });
  client.scenario("tail call", [&](TestPeer::Client peer) {
    auto request = peer.tailEchoRequest();
    request.setPeer(newTestPeer());
    request.initData(3)[2] = 8;
    auto answer = client.wait(request.send());
    return kj::str(answer.getData().size(), " ", static_cast<int>(answer.getData()[2]));
  });
}

void comingBack(Client& client) {
  client.scenario("own capability reflected", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.reflectRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    client.wait(notify(client.wait(request.send()).getWatcher(), 4));
    return kj::str(join(seen), " left ", watchersLeft(client, peer));
  });
  // Calls made before the answer go by the peer, later ones directly: a Disembargo keeps them in order.
  client.scenario("reflected with an embargo", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.slowReflectRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    auto pending = request.send();
    auto watcher = pending.getWatcher();
    kj::Vector<kj::Promise<void>> calls;
    for (uint32_t n : {1, 2}) calls.add(notify(watcher, n));
    client.wait(peer.openGateRequest().send().ignoreResult());
    client.wait(pending.ignoreResult());
    for (uint32_t n : {3, 4}) calls.add(notify(watcher, n));
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return join(seen);
  });
  client.scenario("promise kept later", [&](TestPeer::Client peer) {
    kj::Vector<uint32_t> seen;
    auto request = peer.promiseReflectRequest();
    request.setWatcher(kj::heap<WatcherImpl>(seen));
    auto watcher = client.wait(request.send()).getWatcher();
    kj::Vector<kj::Promise<void>> calls;
    for (uint32_t n : {1, 2}) calls.add(notify(watcher, n));
    client.wait(peer.countsRequest().send().ignoreResult());
    auto early = seen.size();
    client.wait(peer.openGateRequest().send().ignoreResult());
    for (uint32_t n : {3, 4}) calls.add(notify(watcher, n));
    client.wait(kj::joinPromises(calls.releaseAsArray()));
    return kj::str(early, " early, then ", join(seen));
  });
}

}  // namespace

void capabilityScenarios(Client& client) {
  pipelining(client);
  passed(client);
  comingBack(client);
}
