/** The side of a trial's process: its options are its argument; it prints a line of JSON for each progress, and the report. */

export async function tellOf<O, P, R>(
  run: (options: O, onProgress: (progress: P) => void) => Promise<R>,
): Promise<void> {
  // whoever started it has gone
  process.stdin.resume().on("end", () => process.exit(1));
  const options = JSON.parse(process.argv[2] ?? "") as O;
  const report = await run(options, (progress) => print({ progress }));
  process.stdout.write(`${JSON.stringify({ report })}\n`, () => process.exit(0));
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
