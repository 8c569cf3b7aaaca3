// Calls, their errors, and how they end.
#include "scenario.h"
#include <capnp/orphan.h>
#include <string.h>

namespace {

kj::Promise<int> typeOf(kj::Promise<void> call) {
  return call.then([] { return -1; }, [](kj::Exception&& e) { return static_cast<int>(e.getType()); });
}

void fill(Item::Builder item, uint32_t n) {
  item.setN(n);
  item.setText(kj::str("item ", n));
  memset(item.initData(n % 200).begin(), n & 255, n % 200);
  auto inner = item.initItems(n % 3);
  for (auto child : inner) child.setText(kj::str("of ", n));
}

bool isFilled(Item::Reader item, uint32_t n) {
  bool good = item.getN() == n && item.getText() == kj::str("item ", n) && item.getData().size() == n % 200;
  for (auto byte : item.getData()) good = good && byte == (n & 255);
  for (auto child : item.getItems()) good = good && child.getText() == kj::str("of ", n);
  return good && item.getItems().size() == n % 3;
}

void sizes(Client& client) {
  client.scenario("echo", [&](TestPeer::Client peer) {
    auto request = peer.echoRequest();
    auto data = request.initData(200);
    memset(data.begin(), 7, data.size());
    auto answer = client.wait(request.send());
    return kj::str(answer.getData().size(), " ", static_cast<int>(answer.getData()[199]));
  });
  client.scenario("echo 1 MiB", [&](TestPeer::Client peer) {
    auto request = peer.echoRequest();
    auto data = request.initData(1 << 20);
    data[(1 << 20) - 1] = 9;
    auto answer = client.wait(request.send());
    return kj::str(answer.getData().size(), " ", static_cast<int>(answer.getData()[(1 << 20) - 1]));
  });
  // Room for 8 words to begin with: each further segment is as large as all before it.
  client.scenario("many segments", [&](TestPeer::Client peer) {
    auto request = peer.echoItemsRequest(capnp::MessageSize{8, 0});
    auto items = request.initItems(1000);
    for (uint32_t n = 0; n < items.size(); n++) fill(items[n], n);
    auto answer = client.wait(request.send());
    int good = 0;
    for (uint32_t n = 0; n < answer.getItems().size(); n++) good += isFilled(answer.getItems()[n], n);
    return kj::str(good);
  });
  // Each orphan fills a segment of its own: no room for a landing pad, so a double-far pointer leads to it.
  client.scenario("double-far pointers", [&](TestPeer::Client peer) {
    auto request = peer.echoItemsRequest(capnp::MessageSize{8, 0});
    auto orphanage = capnp::Orphanage::getForMessageContaining(TestPeer::EchoItemsParams::Builder(request));
    auto items = request.initItems(6);
    uint32_t size = 8000;
    for (auto item : items) {
      auto data = orphanage.newOrphan<capnp::Data>(size);
      data.get()[size - 1] = 5;
      item.setN(size);
      item.adoptData(kj::mv(data));
      size *= 3;
    }
    auto answer = client.wait(request.send());
    int good = 0;
    for (auto item : answer.getItems()) {
      auto data = item.getData();
      good += data.size() == item.getN() && data[0] == 0 && data[data.size() - 1] == 5;
    }
    return kj::str(good);
  });
}

void many(Client& client) {
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
  client.scenario("exception types", [&](TestPeer::Client peer) {
    kj::Vector<kj::String> told;
    for (uint16_t type = 0; type < 4; type++) {
      auto request = peer.failAsRequest();
      request.setType(type);
      request.setReason(kj::str("reason ", type));
      told.add(client.errorOf(request.send().ignoreResult()));
    }
    return kj::strArray(told, ", ");
  });
  client.scenario("missing method",
                  [&](TestPeer::Client peer) { return client.errorOf(peer.missingRequest().send().ignoreResult()); });
  client.scenario("wrong interface", [&](TestPeer::Client peer) {
    auto error = client.errorOf(peer.castAs<Watcher>().notifyRequest().send().ignoreResult());
    client.wait(peer.countsRequest().send().ignoreResult());
    return error;
  });
}

void ends(Client& client) {
  client.scenario("cancel", [&](TestPeer::Client peer) {
    {
      auto pending = peer.neverRequest().send();
      client.wait(peer.countsRequest().send().ignoreResult());
    }
    return client.until(peer, [](auto counts) { return counts.getCanceled() == 1; });
  });
  client.scenario("long call beside others", [&](TestPeer::Client peer) {
    auto login = peer.slowLoginRequest();
    login.setUser("late");
    auto pending = login.send();
    for (int i = 0; i < 200; i++) client.wait(peer.countsRequest().send().ignoreResult());
    client.wait(peer.openGateRequest().send().ignoreResult());
    return client.wait(nameOf(client.wait(kj::mv(pending)).getSession().whoamiRequest().send()));
  });
  client.scenario("cut with calls outstanding", [&](TestPeer::Client peer) {
    kj::Vector<kj::Promise<int>> calls;
    for (int i = 0; i < 3; i++) calls.add(typeOf(peer.neverRequest().send().ignoreResult()));
    client.wait(peer.countsRequest().send().ignoreResult());
    client.cut();
    return kj::strArray(client.wait(kj::joinPromises(calls.releaseAsArray())), " ");
  });
  client.scenario("server gone with calls outstanding", [&](TestPeer::Client peer) {
    kj::Vector<kj::Promise<int>> calls;
    for (int i = 0; i < 3; i++) calls.add(typeOf(peer.neverRequest().send().ignoreResult()));
    calls.add(typeOf(peer.hangUpRequest().send().ignoreResult()));
    return kj::strArray(client.wait(kj::joinPromises(calls.releaseAsArray())), " ");
  });
}

}  // namespace

void callScenarios(Client& client) {
  sizes(client);
  many(client);
  errors(client);
  ends(client);
}
