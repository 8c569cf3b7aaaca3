// The C++ reference implementation echoing over TCP on 127.0.0.1, as server and as measuring client.
//   echo server
//     serves on a free port, prints "port N", until its input ends
//   echo client
//     for each line "PORT OUTSTANDING PAYLOAD_BYTES WARM_UP_MS WINDOW_MS" of its input: connects, keeps so many calls
//     outstanding, prints what began and ended inside the window behind the warm-up, as one line of JSON
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

struct Task {
  uint port;
  uint outstanding;
  size_t payloadBytes;
  uint warmUpMs;
  uint windowMs;
};

void measure(kj::AsyncIoContext& io, const Task& task) {
  auto address = io.provider->getNetwork().parseAddress("127.0.0.1", task.port).wait(io.waitScope);
  auto stream = address->connect().wait(io.waitScope);
  capnp::TwoPartyClient client(*stream);
  auto from = Clock::now() + std::chrono::milliseconds(task.warmUpMs);
  auto to = from + std::chrono::milliseconds(task.windowMs);
  Loop loop{client.bootstrap().castAs<Echo>(), task.payloadBytes, from, to, {}};
  kj::Vector<kj::Promise<void>> callers;
  for (uint i = 0; i < task.outstanding; i++) callers.add(loop.run());
  kj::joinPromises(callers.releaseAsArray()).wait(io.waitScope);
  auto& times = loop.timesMs;
  std::sort(times.begin(), times.end());
  auto percentile = [&](double p) { return times.empty() ? 0 : times[std::min(times.size() - 1, size_t(times.size() * p))]; };
  std::cout << "{\"perSecond\":" << times.size() * 1000.0 / task.windowMs << ",\"p50Ms\":" << percentile(0.5)
            << ",\"p99Ms\":" << percentile(0.99) << ",\"requests\":" << times.size() << "}" << std::endl;
}

void measureEach() {
  auto io = kj::setupAsyncIo();
  Task task;
  while (std::cin >> task.port >> task.outstanding >> task.payloadBytes >> task.warmUpMs >> task.windowMs) {
    measure(io, task);
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool isServer = argc == 2 && !strcmp(argv[1], "server");
  KJ_REQUIRE(isServer || (argc == 2 && !strcmp(argv[1], "client")), "echo server | echo client");
  if (isServer) serve();
  else measureEach();
  return 0;
}
