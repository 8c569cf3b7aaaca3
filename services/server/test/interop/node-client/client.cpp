#include "client.h"
#include <kj/debug.h>
#include <string.h>

namespace {

std::string nextWord(std::istringstream& words) {
  std::string word;
  words >> word;
  KJ_REQUIRE(!word.empty(), "a word is missing");
  return word;
}

uint64_t nextNumber(std::istringstream& words) { return std::stoull(nextWord(words)); }

void fill(Auth::Builder auth, const std::string& token) {
  auth.setVersion(1);
  auth.setAccessToken(kj::arrayPtr(token.data(), token.size()).asBytes());
}

void fillKey(capnp::Data::Builder key, uint64_t inbox) { memset(key.begin(), static_cast<int>(inbox), key.size()); }

// What every call on an inbox begins with.
template <typename Request>
void address(Request& request, uint64_t inbox, const std::string& token) {
  fillKey(request.initRecipientKey(32), inbox);
  request.setVersion(1);
  fill(request.initAuth(), token);
}

kj::String resultOf(NodeService::FetchResults::Reader results) { return textOf(results.getPayloads()); }
kj::String resultOf(NodeService::FetchWaitResults::Reader results) { return textOf(results.getPayloads()); }
kj::String resultOf(Inbox::SubscribeResults::Reader) { return kj::str("subscribed"); }

}  // namespace

void Client::run(const std::string& line) {
  Words words(line);
  auto call = nextWord(words);
  auto ended = kj::evalNow([&] { return start(nextWord(words), words); });
  tasks.add(ended.then(
      [call](kj::String&& result) { std::cout << call << " ok " << result.cStr() << std::endl; },
      [call](kj::Exception&& e) {
        std::cout << call << " error " << static_cast<int>(e.getType()) << " " << e.getDescription().cStr() << std::endl;
      }));
}

Client::Ended Client::start(const std::string& verb, Words& words) {
  if (verb == "connect") return connect(words);
  if (verb == "health") return health(words);
  if (verb == "enqueue") return enqueue(words);
  if (verb == "peek") return peek(words);
  if (verb == "fetch") return fetch(words);
  if (verb == "fetchWait") return fetchWait(words);
  if (verb == "subscribe") return subscribe(words);
  if (verb == "ack") return ack(words);
  if (verb == "drop") return drop(words);
  if (verb == "close") {
    connections.erase(nextWord(words));
    return kj::str("closed");
  }
  if (verb == "take") {
    auto& takes = sinks[nextWord(words)];
    KJ_REQUIRE(!takes.empty(), "no deliver is held");
    takes.front()->fulfill();
    takes.pop_front();
    return kj::str("taken");
  }
  KJ_FAIL_REQUIRE("unknown verb", verb.c_str());
}

Client::Ended Client::connect(Words& words) {
  auto name = nextWord(words);
  auto port = nextNumber(words);
  auto token = nextWord(words);
  return io.provider->getNetwork().parseAddress("127.0.0.1", port).then([](kj::Own<kj::NetworkAddress>&& address) {
    auto connected = address->connect();
    return connected.attach(kj::mv(address));
  }).then([this, name, token](kj::Own<kj::AsyncIoStream>&& stream) {
    connections[name] = kj::heap<Connection>(kj::mv(stream), token);
    return kj::str("connected");
  });
}

Client::Ended Client::health(Words& words) {
  return next(words).service.healthRequest().send().then([](auto&& results) { return kj::str(results.getStatus()); });
}

Client::Ended Client::enqueue(Words& words) {
  auto& connection = next(words);
  auto request = connection.service.enqueueRequest();
  address(request, nextNumber(words), connection.token);
  auto text = nextWord(words);
  auto payload = request.initPayload(text.size() * nextNumber(words));
  for (size_t at = 0; at < payload.size(); at += text.size()) memcpy(payload.begin() + at, text.data(), text.size());
  return request.send().then([](auto&& results) { return kj::str(results.getSeq()); });
}

Client::Ended Client::peek(Words& words) {
  auto& connection = next(words);
  auto request = connection.service.peekRequest();
  address(request, nextNumber(words), connection.token);
  return request.send().then([](auto&& results) { return textOf(results.getPayloads()); });
}

Client::Ended Client::fetch(Words& words) {
  auto& connection = next(words);
  auto handle = nextWord(words);
  auto request = connection.service.fetchRequest();
  address(request, nextNumber(words), connection.token);
  request.setLimit(nextNumber(words));
  return hold(handle, request.send());
}

Client::Ended Client::fetchWait(Words& words) {
  auto& connection = next(words);
  auto handle = nextWord(words);
  auto request = connection.service.fetchWaitRequest();
  address(request, nextNumber(words), connection.token);
  request.setTimeoutMs(nextNumber(words));
  return hold(handle, request.send());
}

Client::Ended Client::subscribe(Words& words) {
  auto& connection = next(words);
  auto handle = nextWord(words);
  auto open = connection.service.openSessionRequest();
  fill(open.initAuth(), connection.token);
  auto inboxOf = open.send().getSession().inboxRequest();
  fillKey(inboxOf.initRecipientKey(32), nextNumber(words));
  auto inbox = inboxOf.send().getInbox();
  auto request = inbox.subscribeRequest();
  request.setWindow(nextNumber(words));
  kj::Maybe<Takes&> takes;
  if (nextWord(words) == "hold") takes = sinks[handle];
  request.setSink(kj::heap<PrintingSink>(handle, takes));
  inboxes.insert({handle, inbox});
  return hold(handle, request.send());
}

Client::Ended Client::ack(Words& words) {
  auto request = inboxes.at(nextWord(words)).ackRequest();
  request.setSeqUpTo(nextNumber(words));
  return request.send().then([](auto&&) { return kj::str("removed"); });
}

Client::Ended Client::drop(Words& words) {
  auto handle = nextWord(words);
  KJ_REQUIRE(held.erase(handle) == 1, "there is nothing to drop");
  inboxes.erase(handle);
  return kj::str("dropped");
}

Client::Connection& Client::next(Words& words) { return *connections.at(nextWord(words)); }

template <typename Results>
struct Client::HeldAnswer final : public Client::Held {
  kj::Maybe<capnp::Response<Results>> answer;
  kj::Own<kj::PromiseFulfiller<kj::String>> told;
  kj::Promise<void> call = nullptr;
};

template <typename Results>
Client::Ended Client::hold(const std::string& handle, capnp::RemotePromise<Results>&& call) {
  auto told = kj::newPromiseAndFulfiller<kj::String>();
  auto place = kj::heap<HeldAnswer<Results>>();
  place->told = kj::mv(told.fulfiller);
  // Without the pipeline, which would keep the call alive as well.
  kj::Promise<capnp::Response<Results>> answer = kj::mv(call);
  place->call = answer.then(
      [&place = *place](capnp::Response<Results>&& results) {
        auto& kept = place.answer.emplace(kj::mv(results));
        place.told->fulfill(resultOf(kept));
      },
      [&place = *place](kj::Exception&& e) { place.told->reject(kj::mv(e)); }).eagerlyEvaluate(nullptr);
  held[handle] = kj::mv(place);
  return kj::mv(told.promise);
}

void Client::taskFailed(kj::Exception&& exception) { KJ_LOG(ERROR, exception); }
