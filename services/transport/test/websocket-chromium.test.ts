/** The dial for browsers in a browser: Chromium, which `npm test` installs from Debian's packages. */
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { closeCodes, type Listener } from "../src/port.ts";
import { listenWebSocket, type WebSocketListenOptions } from "../src/websocket/index.ts";
import { makeCertificate } from "./certificate.ts";
import { PageServer } from "./chromium.ts";
import { pageChecks, type PagePorts } from "./chromium-page.ts";
import { echo } from "./stream-io.ts";

describe("a page in Chromium", { timeout: 300_000 }, () => {
  const owned = new AsyncDisposableStack();
  let results: Record<string, string> = {};

  before(async () => {
    const trusted = await makeCertificate();
    const page = owned.use(await PageServer.open());
    const listen = async (options: Partial<WebSocketListenOptions>): Promise<Listener> => {
      const listener = await listenWebSocket({
        host: "127.0.0.1",
        port: 0,
        ...trusted,
        onConnection: echo,
        ...options,
      });
      owned.defer(() => listener.close(closeCodes.done, "test over"));
      return listener;
    };
    const allowedOrigins = [page.origin];
    const echoing = await listen({ allowedOrigins });
    const strict = await listen({ allowedOrigins: ["https://chat.example"] });
    const closing = await listen({
      allowedOrigins,
      onConnection: (connection) => {
        connection.onStream = (stream) => {
          stream.onData = () => connection.close(closeCodes.overloaded, "come back later");
        };
      },
    });
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    owned.defer(() => void silent.close());
    const ports: PagePorts = {
      echo: echoing.port,
      strict: strict.port,
      closing: closing.port,
      silent: (silent.address() as AddressInfo).port,
    };
    const key = new X509Certificate(trusted.certificate).publicKey.export({ type: "spki", format: "der" });
    const script = `import { runPageChecks } from "/services/transport/test/chromium-page.ts";
await report(await runPageChecks(${JSON.stringify(ports)}));`;
    const report = await page.run(script, createHash("sha256").update(key).digest("base64"));
    assert.ok(typeof report === "object" && report !== null, String(report));
    results = report as Record<string, string>;
    assert.equal(strict.stats()["refusedOrigin"], 1);
  });
  after(() => owned.disposeAsync());

  for (const name of Object.keys(pageChecks)) {
    it(name, () => assert.equal(results[name], "ok"));
  }
});
