/** A program that connects when it is told where to, and then runs closed loops when it is asked for one. */
import { type Answers, answerParent } from "../answer-parent.ts";
import { closedLoop, type LoopOptions } from "../closed-loop.ts";

/** One request of a caller; resolves when it is answered. */
export type Request = (caller: number) => Promise<unknown>;

type Run = Omit<LoopOptions, "request"> & {
  /** On so many of the connections. Default: on all. */
  readonly connections?: number;
};

export function serveCallers<Task>(connect: (task: Task) => Promise<Request>, more: Answers = {}): void {
  let request: Request | undefined;
  answerParent({
    connect: async (task: Task) => {
      request = await connect(task);
    },
    run: ({ connections = Number.POSITIVE_INFINITY, ...loop }: Run) =>
      closedLoop({ ...loop, request: (caller) => (request as Request)(caller % connections) }),
    ...more,
  });
}

/** So many of something, a few at a time: a storm of handshakes is another measurement. */
export async function several<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const atOnceMax = 16;
  const made: T[] = [];
  while (made.length < count) {
    const some = Math.min(atOnceMax, count - made.length);
    made.push(...(await Promise.all(Array.from({ length: some }, (_, i) => make(made.length + i)))));
  }
  return made;
}
