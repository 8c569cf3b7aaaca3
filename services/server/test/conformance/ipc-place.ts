/** Puts a store behind a Unix socket: what is opened is the front-end's end of it, with the owner in the same process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectStore, serveStore, type Store } from "../../src/store/index.ts";
import type { Place, Subject } from "./subject.ts";

export function overIpc(inner: Subject): Subject {
  return { name: `${inner.name} over IPC`, keeps: inner.keeps, makePlace: () => makePlace(inner) };
}

async function makePlace(inner: Subject): Promise<Place> {
  const place = await inner.makePlace();
  const folder = await mkdtemp(join(tmpdir(), "qpq-ipc-"));
  return {
    ...place,
    async open(options) {
      const owned = await place.open(options);
      const path = join(folder, "store.sock");
      const served = await serveStore(owned, path);
      const store = await connectStore({ path, limits: options.limits });
      return closingAfter(store, async () => {
        await served.close();
        await owned.close();
      });
    },
    async dispose() {
      await place.dispose();
      await rm(folder, { recursive: true });
    },
  };
}

function closingAfter(store: Store, closeOwner: () => Promise<void>): Store {
  let closing: Promise<void> | undefined;
  return {
    ...store,
    close: () => (closing ??= store.close().then(closeOwner)),
  };
}
