/** The person at the keyboard: their keys from the state file (made at first use), and their mailbox on the server. */
import { type ClientState, generateClientState, readStateFile, writeStateFile } from "quicproquo-core";
import type { QpqError } from "quicproquo-proto";
import { Mailbox, ReconnectingClient } from "quicproquo-sdk";
import { accessTokenOf, type Options, serverAddressOf } from "./options.ts";
import type { Output } from "./output.ts";

export async function loadOrCreateState(options: Options, output: Output): Promise<ClientState> {
  const password = options.env["QPQ_STATE_PASSWORD"];
  const there = await readStateFile(options.stateFile, { password });
  if (there !== undefined) return there;
  const state = generateClientState();
  await writeStateFile(options.stateFile, state, { password });
  output.words(`made new keys in ${options.stateFile}: keep a copy, nobody can restore them`);
  return state;
}

export function openClient(options: Options, output: Output): ReconnectingClient {
  return new ReconnectingClient({
    server: serverAddressOf(options),
    giveUpAfterMs: options.timeoutMs,
    onRetry: (error: QpqError, waitMs: number) => {
      if (options.verbose) output.words(`${error.code} ${error.text}; next try in ${Math.round(waitMs)} ms`);
    },
  });
}

export function openMailbox(client: ReconnectingClient, state: ClientState, options: Options): Mailbox {
  return new Mailbox({
    client,
    identity: state.identity,
    keyPair: state.hybridKeyPair,
    accessToken: accessTokenOf(options),
  });
}
