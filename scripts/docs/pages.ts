/** Which pages of docs/ are made from the source. */
import { fileURLToPath } from "node:url";
import { commandsPage } from "./commands.ts";
import { errorsPage } from "./errors.ts";
import { metricsPage } from "./metrics.ts";
import { settingsPage } from "./settings.ts";

export const generatedPages: Readonly<Record<string, () => string>> = {
  "metrics.md": metricsPage,
  "reference/commands.md": commandsPage,
  "reference/errors.md": errorsPage,
  "reference/settings.md": settingsPage,
};

export function pathOf(page: string): string {
  return fileURLToPath(new URL(`../../docs/${page}`, import.meta.url));
}
