/** Errors of the process that nobody caught. While somebody listens they end nothing. */
export const unhandled: unknown[] = [];

/** Until it is disposed. */
export function listenForUnhandled(): Disposable {
  const onError = (error: unknown): void => void unhandled.push(error);
  process.on("unhandledRejection", onError);
  process.on("uncaughtException", onError);
  return {
    [Symbol.dispose]() {
      process.off("unhandledRejection", onError);
      process.off("uncaughtException", onError);
    },
  };
}
