/** `node grafana/src/main.ts`: writes dashboards/, alerts/ and slo/. `--check`: says which of them are not current. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./generated.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
for (const [name, text] of generatedFiles()) {
  const file = join(folder, name);
  if (!process.argv.includes("--check")) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } else if (read(file) !== text) {
    process.stdout.write(`grafana/${name} is not current; run: node grafana/src/main.ts\n`);
    process.exitCode = 1;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
