/** What of a built site leads nowhere: links to files or places that are not there, and what comes from another host. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Each as `PAGE: LINK`, `PAGE` a file of the site. */
export function deadLinksOf(site: string): string[] {
  const pages = globSync("**/*.html", { cwd: site });
  const texts = new Map(pages.map((page) => [page, readFileSync(join(site, page), "utf8")]));
  const dead: string[] = [];
  for (const [page, text] of texts) {
    for (const [, link = ""] of text.matchAll(/<(?:a|link|script|img)\b[^>]*?\b(?:href|src)="([^"]*)"/g)) {
      if (!leadsSomewhere(page, link, { site, texts })) dead.push(`${page}: ${link}`);
    }
  }
  return dead;
}

type Site = { readonly site: string; readonly texts: ReadonlyMap<string, string> };

function leadsSomewhere(page: string, link: string, { site, texts }: Site): boolean {
  if (/^(?:[a-z]+:|\/\/)/i.test(link)) return false;
  const [path = "", place] = decodeURI(link).split("#");
  const named = path === "" ? page : path.startsWith("/") ? path.slice(1) : join(dirname(page), path);
  const file = named === "" || named.endsWith("/") ? `${named}index.html` : named;
  if (!existsSync(join(site, file))) return false;
  // an empty place, and that of the skip link, is the page itself
  return place === undefined || place === "" || (texts.get(file) ?? "").includes(`id="${place}"`);
}
