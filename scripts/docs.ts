/** `node scripts/docs.ts`: writes the pages of docs/ that are made from the source. A test holds them to it. */
import { writeFileSync } from "node:fs";
import { generatedPages, pathOf } from "./docs/pages.ts";

for (const [page, make] of Object.entries(generatedPages)) writeFileSync(pathOf(page), make());
