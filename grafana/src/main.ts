/** `node grafana/src/main.ts`: writes dashboards/, alerts/ and slo/. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./generated.ts";

const folder = fileURLToPath(new URL("..", import.meta.url));
for (const [name, text] of generatedFiles()) {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
