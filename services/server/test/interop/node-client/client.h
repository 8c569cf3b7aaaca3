// The verbs:
//   connect NAME PORT TOKEN
//   close NAME
//   health NAME                             "ok"
//   enqueue NAME INBOX TEXT TIMES           seq; the payload is TEXT so many times
//   peek NAME INBOX                         messages
//   fetch NAME HANDLE INBOX LIMIT           messages
//   fetchWait NAME HANDLE INBOX TIMEOUT_MS  messages
//   subscribe NAME HANDLE INBOX WINDOW HOW  openSession, inbox and subscribe at once; HOW is `take` or `hold`
//   take HANDLE                             takes one deliver that is held
//   ack HANDLE SEQ                          of the subscription's inbox
//   drop HANDLE                             cancels the call, or lets go of the answer that was kept
// NAME is a connection. INBOX is a number that stands for a key of 32 such bytes. What a HANDLE names is kept until it is
// dropped. Messages are "SEQ:BYTES:FIRST" each, FIRST their first 16 bytes. A Sink prints "HANDLE deliver GAP MESSAGES" and
// "HANDLE end REASON".
#pragma once
#include "node.capnp.h"
#include "sink.h"
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <map>
#include <sstream>
#include <string>

class Client final : private kj::TaskSet::ErrorHandler {
public:
  explicit Client(kj::AsyncIoContext& io) : io(io), tasks(*this) {}

  void run(const std::string& line);

private:
  struct Connection {
    kj::Own<kj::AsyncIoStream> stream;
    capnp::TwoPartyClient client;
    NodeService::Client service;
    std::string token;

    Connection(kj::Own<kj::AsyncIoStream>&& connected, std::string token)
        : stream(kj::mv(connected)), client(*stream), service(client.bootstrap().castAs<NodeService>()), token(token) {}
  };

  // A call that is under way, or its answer.
  struct Held {
    virtual ~Held() noexcept(false) {}
  };
  template <typename Results>
  struct HeldAnswer;

  using Words = std::istringstream;
  using Ended = kj::Promise<kj::String>;

  kj::AsyncIoContext& io;
  std::map<std::string, kj::Own<Connection>> connections;
  std::map<std::string, Inbox::Client> inboxes;
  std::map<std::string, Takes> sinks;
  std::map<std::string, kj::Own<Held>> held;
  kj::TaskSet tasks;

  Ended start(const std::string& verb, Words& words);
  Ended connect(Words& words);
  Ended health(Words& words);
  Ended enqueue(Words& words);
  Ended peek(Words& words);
  Ended fetch(Words& words);
  Ended fetchWait(Words& words);
  Ended subscribe(Words& words);
  Ended ack(Words& words);
  Ended drop(Words& words);

  Connection& next(Words& words);
  template <typename Results>
  Ended hold(const std::string& handle, capnp::RemotePromise<Results>&& call);

  void taskFailed(kj::Exception&& exception) override;
};
