/** `node scripts/docs.ts`: writes the pages of docs/ that are made from the source. Tests hold them to it. */
import { writeFileSync } from "node:fs";
import { generatedPages, pathOf } from "./docs/pages.ts";
import { takeDown, terminalPage } from "./docs/terminal.ts";

for (const [page, make] of Object.entries(generatedPages)) writeFileSync(pathOf(page), make());
writeFileSync(pathOf("terminal.md"), terminalPage(await takeDown()));
