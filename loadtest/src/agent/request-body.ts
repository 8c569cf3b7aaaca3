/** The body of a request: small JSON, or none. */
import type { IncomingMessage } from "node:http";
import { QpqError } from "quicproquo-proto";

/** The largest user that a request may name. */
const userMax = 2 ** 31;

/** Whose action it is. 0 where nobody is named. E008_PAYLOAD_TOO_LARGE, E001_BAD_REQUEST. */
export async function userIn(request: IncomingMessage, bytesMax: number): Promise<number> {
  const text = await textOf(request, bytesMax);
  if (text === "") return 0;
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json(;|$)/i.test(type)) throw badRequest("a body is application/json");
  const body = parse(text);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw badRequest("a body is one JSON object");
  const unknown = Object.keys(body).find((name) => name !== "user");
  if (unknown !== undefined) throw badRequest("a body has a user, and nothing else");
  const { user = 0 } = body as { readonly user?: unknown };
  if (typeof user !== "number" || !Number.isInteger(user) || user < 0 || user > userMax) {
    throw badRequest("user is a whole number from 0");
  }
  return user;
}

async function textOf(request: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = Number(request.headers["content-length"] ?? 0);
  if (bytes > bytesMax) throw tooLarge(bytesMax);
  bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new QpqError("E001_BAD_REQUEST", { text: "the body is not JSON", cause });
  }
}

function tooLarge(bytesMax: number): QpqError {
  return new QpqError("E008_PAYLOAD_TOO_LARGE", { text: `a body has at most ${bytesMax} bytes` });
}

function badRequest(text: string): QpqError {
  return new QpqError("E001_BAD_REQUEST", { text });
}
