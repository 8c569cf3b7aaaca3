/** The objects that a run served: how often each was given back. */
import type { CapabilityServer } from "../src/index.ts";
import type { FedStream } from "./fed-stream.ts";
import { Finding } from "./finding.ts";

type Served = { readonly name: string; disposals: number };

export class Objects {
  readonly #served: Served[] = [];
  readonly #stream: FedStream;

  /** `stream`: of the session that serves them. */
  constructor(stream: FedStream) {
    this.#stream = stream;
  }

  /** `server` as one that is counted. It must be handed to the runtime once, in any way. */
  add(name: string, server: CapabilityServer): CapabilityServer {
    const served: Served = { name, disposals: 0 };
    this.#served.push(served);
    return {
      dispatch: (call) => {
        if (this.#stream.isBehindEnd) this.#stream.findings.push(new Finding("undead", `${name} was called`));
        return server.dispatch(call);
      },
      dispose: () => {
        served.disposals++;
        server.dispose?.();
      },
    };
  }

  /** When nothing holds any of them. */
  check(): void {
    for (const { name, disposals } of this.#served) {
      if (disposals === 0) throw new Finding("leak", `${name} was never disposed`);
      if (disposals > 1) throw new Finding("double-dispose", `${name} was disposed ${disposals} times`);
    }
  }
}
