// The C++ reference implementation echoing over TCP on 127.0.0.1, as server and as measuring client.
//   echo server
//     serves on a free port, prints "port N", until its input ends
//   echo client PORT OUTSTANDING PAYLOAD_BYTES WARM_UP_MS WINDOW_MS
//     keeps so many calls outstanding; prints what began and ended inside the window behind the warm-up, as one line of JSON
#include "echo.capnp.h"
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

class EchoImpl final : public Echo::Server {
public:
  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }
};

void serve() {
  auto io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope);
  auto listener = address->listen();
  std::cout << "port " << listener->getPort() << std::endl;
  capnp::TwoPartyServer server(kj::heap<EchoImpl>());
  auto serving = server.listen(*listener);
  auto input = io.lowLevelProvider->wrapInputFd(STDIN_FILENO);
  char byte;
  input->tryRead(&byte, 1, 1).ignoreResult().exclusiveJoin(kj::mv(serving)).wait(io.waitScope);
}

struct Loop {
  Echo::Client peer;
  size_t payloadBytes;
  Clock::time_point from;
  Clock::time_point to;
  std::vector<double> timesMs;

  // One caller: a call at a time until the window is over.
  kj::Promise<void> run() {
    auto began = Clock::now();
    if (began >= to) return kj::READY_NOW;
    auto request = peer.echoRequest();
    memset(request.initData(payloadBytes).begin(), 7, payloadBytes);
    return request.send().then([this, began](capnp::Response<Echo::EchoResults>&& response) {
      KJ_REQUIRE(response.getData().size() == payloadBytes, "wrong echo");
      auto ended = Clock::now();
      if (began >= from && ended <= to) timesMs.push_back(milliseconds(ended - began));
      return run();
    });
  }
};

void measure(uint port, uint outstanding, size_t payloadBytes, std::chrono::milliseconds warmUp,
             std::chrono::milliseconds window) {
  auto io = kj::setupAsyncIo();
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", port).wait(io.waitScope);
  auto stream = address->connect().wait(io.waitScope);
  capnp::TwoPartyClient client(*stream);
  auto from = Clock::now() + warmUp;
  Loop loop{client.bootstrap().castAs<Echo>(), payloadBytes, from, from + window, {}};
  kj::Vector<kj::Promise<void>> callers;
  for (uint i = 0; i < outstanding; i++) callers.add(loop.run());
  kj::joinPromises(callers.releaseAsArray()).wait(io.waitScope);
  auto& times = loop.timesMs;
  KJ_REQUIRE(!times.empty(), "no call began and ended inside the window");
  std::sort(times.begin(), times.end());
  auto percentile = [&](double p) { return times[std::min(times.size() - 1, size_t(times.size() * p))]; };
  std::cout << "{\"perSecond\":" << times.size() / milliseconds(window) * 1000 << ",\"p50Ms\":" << percentile(0.5)
            << ",\"p99Ms\":" << percentile(0.99) << ",\"requests\":" << times.size() << "}" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && !strcmp(argv[1], "server")) {
    serve();
    return 0;
  }
  KJ_REQUIRE(argc == 7 && !strcmp(argv[1], "client"), "echo server | echo client PORT OUTSTANDING BYTES WARM_UP WINDOW");
  measure(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), std::chrono::milliseconds(atoi(argv[5])),
          std::chrono::milliseconds(atoi(argv[6])));
  return 0;
}
