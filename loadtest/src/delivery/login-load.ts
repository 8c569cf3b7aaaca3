/**
 * Callers that log in, each to an account of its own; and the server's half of OPAQUE alone, the same messages. Stretching
 * is cheap: what a client spends is not measured.
 */
import { QpqError } from "quicproquo-proto";
import type { NodeClient } from "quicproquo-sdk";
import { newIdentity, type TestIdentity, TestLogin, TestRegistration } from "quicproquo-server/testing/opaque-client";
import { OpaqueServer, testOpaqueSetup } from "quicproquo-server/testing/opaque-server";
import { serveCallers, several } from "./callers.ts";
import { type Client, type ClientsTask, connectClients } from "./clients.ts";

export type LoginTask = ClientsTask & { readonly accounts: number };

type Person = { readonly username: string; readonly identity: TestIdentity };
const password = "correct horse";
let logins: (n: number) => Promise<void>;

serveCallers(
  async ({ accounts, ...task }: LoginTask) => {
    const clients = await connectClients(task);
    const nodeOf = (i: number): NodeClient => (clients[i % clients.length] as Client).node;
    const people = await several(accounts, (i) => register(nodeOf(i), `person${i}`));
    logins = (n) => logIn(nodeOf(n), people[n % people.length] as Person);
    return logins;
  },
  {
    opaque: ({ logins }: { readonly logins: number }) => opaqueAlone(logins),
    /** One, of the n-th account; false: it had to be given up. */
    logIn: async ({ n }: { readonly n: number }): Promise<boolean> => {
      try {
        await logins(n);
        return true;
      } catch (error) {
        if (error instanceof QpqError && error.kind === "unavailable") return false;
        throw error;
      }
    },
  },
);

async function register(node: NodeClient, username: string): Promise<Person> {
  const identity = newIdentity();
  const registration = new TestRegistration(password);
  const { response } = await node.call("opaqueRegisterStart", { username, request: registration.request });
  const finish = registration.finish(username, response, identity);
  await node.call("opaqueRegisterFinish", { username, ...finish });
  return { username, identity };
}

async function logIn(node: NodeClient, { username, identity }: Person): Promise<void> {
  const login = new TestLogin(password);
  const { response, loginId } = await node.call("opaqueLoginStart", { username, request: login.request });
  const finish = login.finish(username, response, identity);
  if (finish === undefined) throw new Error("the password is another");
  await node.call("opaqueLoginFinish", { username, loginId, ...finish });
}

/** us of this process for both halves of one login, without those of the client. */
function opaqueAlone(logins: number): number {
  const server = new OpaqueServer(testOpaqueSetup);
  const identity = newIdentity();
  const username = "alone" as Parameters<OpaqueServer["registerResponse"]>[0];
  const registration = new TestRegistration(password);
  const { upload } = registration.finish(username, server.registerResponse(username, registration.request), identity);
  let us = 0;
  for (let n = 0; n < logins; n++) {
    const login = new TestLogin(password);
    const startedAt = process.cpuUsage();
    const { state, response } = server.startLogin(username, upload, login.request);
    us += usSince(startedAt);
    const finish = login.finish(username, response, identity);
    if (finish === undefined) throw new Error("the password is another");
    const finishedAt = process.cpuUsage();
    if (!server.finishLogin(state, finish.finalization)) throw new Error("refused");
    us += usSince(finishedAt);
  }
  return us / logins;
}

function usSince(from: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(from);
  return user + system;
}
