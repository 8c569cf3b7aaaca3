/**
 * `qpq-server probe [HOST[:PORT]]`: one QUIC round trip to a server, by default the one of these settings on this machine;
 * the exit code is for a health check. It needs the certificate's public half only: by its key the server is known, and
 * neither its name nor its dates count.
 */
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { QpqError } from "quicproquo-proto";
import { certificateFiles } from "../certificate.ts";
import { loadConfig, type ServerConfig } from "../config.ts";
import { probe as probeServer, type ProbeOptions } from "../ops/probe.ts";
import { positiveOption } from "./own-options.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

const timeoutMsDefault = 5_000;

/** E040_CONNECT_FAILED, E041_CERTIFICATE, E028_DEADLINE, E046_CONFIG, E048_USAGE. */
export const probe: OwnCommand = { options: { json: "switch", pin: "value", "timeout-ms": "value" }, run };

async function run({ sources, words, options, print }: OwnProgram): Promise<void> {
  if (words.length > 1) throw new QpqError("E048_USAGE", { text: "say one server: qpq-server probe HOST:PORT" });
  const config = loadConfig(sources);
  const { host, port } = placeOf(words[0], config);
  const pin = options["pin"];
  const target: ProbeOptions = {
    host,
    port,
    serverName: config.serverName,
    trust: { pins: [pin === undefined ? ownPin(config) : parsePin(String(pin))] },
    timeoutMs: positiveOption(options, "timeout-ms", timeoutMsDefault),
  };
  const server = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const { handshakeMs, callMs } = await probeServer(target).catch((error: unknown) => {
    throw withNextStep(error, server);
  });
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  const told = { server, handshakeMs: round(handshakeMs), callMs: round(callMs) };
  if (options["json"] === true) return print(`${JSON.stringify(told)}\n`);
  print(`ok            ${server} over QUIC: handshake ${told.handshakeMs} ms, health ${told.callMs} ms\n`);
}

/** The pin of the certificate of these settings. E046_CONFIG. */
export function ownPin(config: ServerConfig): Uint8Array {
  const { certificateFile } = certificateFiles(config);
  try {
    const { publicKey } = new X509Certificate(readFileSync(certificateFile));
    return createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest();
  } catch (cause) {
    const text = `${certificateFile} cannot be read; name the server's data folder with --data-dir, or its pin with --pin`;
    throw new QpqError("E046_CONFIG", { text, cause });
  }
}

/** Where a server that listens on `::` is reached from its own machine. */
export function dialHost(host: string): string {
  return host === "::" || host === "0.0.0.0" ? "127.0.0.1" : host;
}

function placeOf(word: string | undefined, config: ServerConfig): { host: string; port: number } {
  if (word === undefined) return { host: dialHost(config.host), port: config.port };
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(word) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits ?? config.port);
  if (host !== undefined && port > 0 && port <= 65_535) return { host, port };
  throw new QpqError("E048_USAGE", { text: "say a server as HOST, HOST:PORT or [IPV6]:PORT" });
}

function parsePin(text: string): Uint8Array {
  const pin = Buffer.from(/^sha256:([A-Za-z0-9+/]{43}=)$/.exec(text)?.[1] ?? "", "base64");
  if (pin.length === 32) return pin;
  throw new QpqError("E048_USAGE", { text: "--pin looks like sha256:BASE64, as the server prints it at its start" });
}

function withNextStep(error: unknown, server: string): unknown {
  if (!(error instanceof QpqError)) return error;
  const next =
    error.code === "E041_CERTIFICATE"
      ? "compare the pin that the server prints at its start, and give it with --pin"
      : "run qpq-server doctor on the server's machine";
  return new QpqError(error.code, { text: `${server}: ${error.text}; ${next}`, cause: error.cause });
}
