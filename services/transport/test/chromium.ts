/** Runs a module of this repository in a headless Chromium, as a page of a server of its own, and takes its report. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../../../", import.meta.url);

/** Where a browser finds the packages that quicproquo-transport imports there. */
const imports = {
  "quicproquo-proto": "/schemas/src/index.ts",
  "quicproquo-rpc/message": "/services/rpc/src/message/index.ts",
};

export class PageServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #report = Promise.withResolvers<string>();
  #page = "";

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", async (request, response) => {
      try {
        const { type, body } = await this.#answer(request);
        response.writeHead(200, { "content-type": type }).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
  }

  static async open(): Promise<PageServer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Statements of a module script that ends with `report(anything)`; answers what it reported. */
  async run(script: string, certificateHash: string): Promise<unknown> {
    this.#page = `<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
const report = (result) => fetch("/report", { method: "POST", body: JSON.stringify(result) });
globalThis.onerror = (message) => { if (!message.includes("planted")) report(message); };
globalThis.onunhandledrejection = ({ reason }) => report(String(reason));
${script}
</script>`;
    const profile = await mkdtemp(join(tmpdir(), "qpq-chromium-"));
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
    const trust = `--ignore-certificate-errors-spki-list=${certificateHash}`;
    const browser = spawn("chromium", [...flags, trust, `--user-data-dir=${profile}`, `${this.origin}/`], {
      stdio: "ignore",
    });
    const exited = once(browser, "exit");
    try {
      const ended = exited.then(() => Promise.reject(new Error("the browser ended without a report")));
      return JSON.parse(await Promise.race([this.#report.promise, ended]));
    } finally {
      browser.kill();
      await exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<{ readonly type: string; readonly body: string }> {
    const path = request.url ?? "";
    if (path === "/") return { type: "text/html", body: this.#page };
    if (path === "/report") {
      const chunks = await Array.fromAsync(request);
      this.#report.resolve(Buffer.concat(chunks).toString());
      return { type: "text/plain", body: "" };
    }
    if (!/^\/(schemas|services\/rpc|services\/transport)\/(src|test)\/[\w./-]+\.ts$/.test(path)) throw new Error(path);
    const source = await readFile(new URL(`.${path}`, root), "utf8");
    return { type: "text/javascript", body: stripTypeScriptTypes(source) };
  }
}
