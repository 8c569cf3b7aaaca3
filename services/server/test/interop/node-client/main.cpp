// A C++ client of schemas/node.capnp that is told what to do by lines on its input, "CALL VERB ARGUMENTS", and says how each
// call ended on its output, "CALL ok RESULT" or "CALL error TYPE REASON" (TYPE as rpc.capnp counts them). Calls run side
// by side; client.h has the verbs. Ends with its input.
#include "client.h"
#include <unistd.h>
#include <string>

namespace {

class Lines {
public:
  explicit Lines(kj::Own<kj::AsyncInputStream>&& input) : input(kj::mv(input)) {}

  kj::Promise<void> obeyedBy(Client& client) {
    return input->tryRead(chunk, 1, sizeof(chunk)).then([this, &client](size_t bytes) -> kj::Promise<void> {
      if (bytes == 0) return kj::READY_NOW;
      held.append(chunk, bytes);
      for (auto end = held.find('\n'); end != std::string::npos; end = held.find('\n')) {
        client.run(held.substr(0, end));
        held.erase(0, end + 1);
      }
      return obeyedBy(client);
    });
  }

private:
  kj::Own<kj::AsyncInputStream> input;
  std::string held;
  char chunk[4096];
};

}  // namespace

int main() {
  auto io = kj::setupAsyncIo();
  Client client(io);
  Lines lines(io.lowLevelProvider->wrapInputFd(STDIN_FILENO));
  lines.obeyedBy(client).wait(io.waitScope);
  return 0;
}
