/** Where a user's callback's exception goes: to the user's handler, else into a process warning. Never throws. */
export type OnFault = (error: unknown) => void;

export function faultReporter(onFault: OnFault | undefined): OnFault {
  if (onFault === undefined) return warn;
  return (error) => {
    try {
      onFault(error);
    } catch (thrown) {
      warn(thrown);
    }
  };
}

function warn(error: unknown): void {
  const told = error instanceof Error ? error : new Error(String(error));
  if (typeof process === "undefined") (globalThis as unknown as Browser).reportError(told);
  else process.emitWarning(told);
}

type Browser = { reportError(error: Error): void };
