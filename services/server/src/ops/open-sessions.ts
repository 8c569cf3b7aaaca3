/**
 * The RPC sessions there are. A stop ends their streams and waits for the peers to end theirs: by then a peer has every
 * answer that was sent to it, which closing the connection at once would throw away.
 */
import type { RpcSession } from "quicproquo-rpc";
import type { ByteStream } from "quicproquo-transport";
import { spread } from "../spread.ts";

export class OpenSessions {
  readonly #sessions = new Set<RpcSession>();
  #onNone: (() => void) | undefined;

  get size(): number {
    return this.#sessions.size;
  }

  add(session: RpcSession, stream: ByteStream): void {
    this.#sessions.add(session);
    const tellSession = stream.onClose;
    stream.onClose = (error) => {
      tellSession?.(error);
      this.#sessions.delete(session);
      if (this.#sessions.size === 0) this.#onNone?.();
    };
  }

  /** One after the other within `spreadMs`. Resolves when every stream is closed in both directions. */
  async end(spreadMs = 0): Promise<void> {
    const none = new Promise<void>((resolve) => {
      this.#onNone = resolve;
    });
    await spread([...this.#sessions], spreadMs, (session) => session.close());
    // begun meanwhile, on a connection that was there
    for (const session of this.#sessions) session.close();
    if (this.#sessions.size > 0) await none;
  }
}
