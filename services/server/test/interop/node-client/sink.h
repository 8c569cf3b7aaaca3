// A Sink that prints what it is told, and how messages are printed.
#pragma once
#include "node.capnp.h"
#include <kj/async.h>
#include <deque>
#include <iostream>
#include <string>

// The delivers that wait to be taken.
using Takes = std::deque<kj::Own<kj::PromiseFulfiller<void>>>;

inline kj::String textOf(capnp::List<Envelope>::Reader messages) {
  kj::Vector<kj::String> texts;
  for (auto message : messages) {
    auto data = message.getData();
    auto first = kj::heapString(data.slice(0, kj::min(data.size(), size_t(16))).asChars());
    texts.add(kj::str(message.getSeq(), ":", data.size(), ":", first));
  }
  return kj::strArray(texts, " ");
}

inline kj::String textOf(Gap::Reader gap) {
  return kj::str(gap.getKind(), ":", gap.getUpTo());
}

class PrintingSink final : public Sink::Server {
public:
  // Without `takes` each deliver is taken at once.
  PrintingSink(std::string handle, kj::Maybe<Takes&> takes) : handle(handle), takes(takes) {}

  kj::Promise<void> deliver(DeliverContext context) override {
    auto params = context.getParams();
    std::cout << handle << " deliver " << textOf(params.getGap()).cStr() << " "
              << textOf(params.getEnvelopes()).cStr() << std::endl;
    KJ_IF_MAYBE(waiting, takes) {
      auto taken = kj::newPromiseAndFulfiller<void>();
      waiting->push_back(kj::mv(taken.fulfiller));
      return kj::mv(taken.promise);
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> end(EndContext context) override {
    std::cout << handle << " end " << context.getParams().getReason().cStr() << std::endl;
    return kj::READY_NOW;
  }

private:
  std::string handle;
  kj::Maybe<Takes&> takes;
};
