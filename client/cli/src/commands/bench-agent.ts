/** qpq bench agent: the actions of bench over HTTP, for load generators without QUIC. What it needs is loaded when it is asked for. */
import type { Command } from "../command.ts";
import { accessTokenOf, secretOf, serverAddressOf } from "../options.ts";

export const benchAgent: Required<Pick<Command, "own" | "run">> = {
  async own() {
    const { agentFlags, agentHelp } = await import("quicproquo-loadtest/agent");
    return { flags: agentFlags, help: agentHelp("qpq bench agent", more) };
  },
  async run(options, output) {
    const { runAgent } = await import("quicproquo-loadtest/agent");
    const end = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => end.abort());
    await runAgent(options.own, {
      server: () => serverAddressOf(options),
      accessToken: () => accessTokenOf(options),
      agentToken: () => secretOf(options, "QPQ_AGENT_TOKEN"),
      data: (text, fields) => output.data(text, fields),
      say: (text) => output.words(text),
      signal: end.signal,
    });
  },
};

const more = `
The server is named as for every command: --server, --ca-cert or --pin; see qpq --help. Most actions need its static token:
QPQ_AUTH_TOKEN_FILE or QPQ_AUTH_TOKEN. With --json the line that says where it listens is an object.
Exit codes: 0 ended by a signal, 2 usage, 3 unreachable, 4 not allowed, 1 anything else.
`;
