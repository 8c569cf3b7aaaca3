/** What went over the wire, counted by kind for --verbose: calls, and the sizes of MLS messages as they were sent. */
import type { OnCall } from "quicproquo-sdk";

export type Sent = {
  readonly message: "KeyPackage" | "Commit" | "Welcome" | "message";
  readonly bytes: number;
  readonly wrapped: boolean;
  /** So many of this kind and size. */
  count: number;
};

// wire.md: an MLSMessage begins with its version 0x0001, a hybrid envelope with its own version 0x01
const hybridVersion = 1;
// an MLSMessage's wire format stands in its second 16 bits (RFC 9420 section 6)
const welcomeFormat = 3;

export class Traffic {
  readonly sent: Sent[] = [];
  calls = 0;

  readonly onCall: OnCall = (name, params) => {
    this.calls++;
    const fields = params as {
      package?: Uint8Array;
      payload?: Uint8Array;
      entries?: readonly { payload: Uint8Array }[];
    };
    switch (name) {
      case "uploadKeyPackage":
        return this.#note("KeyPackage", fields.package);
      case "batchEnqueue":
        return this.#note("message", fields.payload);
      case "submitCommit":
        this.#note("Commit", fields.payload);
        for (const { payload } of fields.entries ?? []) this.#note(isWelcome(payload) ? "Welcome" : "Commit", payload);
    }
  };

  #note(message: Sent["message"], bytes: Uint8Array | undefined): void {
    if (bytes === undefined || bytes.length === 0) return;
    const sent: Sent = { message, bytes: bytes.length, wrapped: bytes[0] === hybridVersion, count: 1 };
    const same = this.sent.find((other) => other.message === message && other.bytes === sent.bytes);
    if (same === undefined) this.sent.push(sent);
    else same.count++;
  }
}

function isWelcome(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && bytes[3] === welcomeFormat;
}
