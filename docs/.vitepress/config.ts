/**
 * The docs site: `vitepress build docs` (`vitepress dev docs` while writing). A link to a page that is not there fails the
 * build. Nothing on it comes from another host.
 */
import { readdirSync } from "node:fs";
import type { DefaultTheme, UserConfig } from "vitepress";

const runbooks = readdirSync(new URL("../runbooks", import.meta.url))
  .filter((name) => /^Qpq\w+\.md$/.test(name))
  .map((name) => name.slice(0, -".md".length));

const config: UserConfig<DefaultTheme.Config> = {
  title: "quicproquo",
  description: "A delivery service for end-to-end encrypted group messaging.",
  outDir: "../.build/docs",
  cacheDir: "../.build/docs-cache",
  markdown: { languageAlias: { promql: "sql" } },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      { text: "Quick start", link: "/quick-start" },
      { text: "Operate", link: "/operate/install" },
      { text: "Reference", link: "/reference/settings" },
    ],
    outline: [2, 3],
    sidebar: [
      section("Begin", {
        "Quick start": "/quick-start",
        Concepts: "/concepts",
        "On a terminal": "/terminal",
      }),
      section("Operate", {
        Install: "/operate/install",
        Upgrade: "/operate/upgrade",
        Scale: "/operate/scale",
        "Back up and restore": "/operate/backup",
        "Fail over": "/operate/failover",
        "Rotate keys": "/operate/keys",
        Accounts: "/operate/accounts",
        Look: "/operate/look",
        Capacity: "/capacity",
        "Load testing": "/load-testing",
        Benchmarks: "/benchmarks",
        "Where the CPU goes": "/performance",
      }),
      {
        ...section("Runbooks", {
          All: "/runbooks/README",
          ...Object.fromEntries(runbooks.map((alert) => [alert, `/runbooks/${alert}`])),
        }),
        collapsed: true,
      },
      section("Security", { Security: "/security", "Threat model": "/threat-model" }),
      section("Reference", {
        Settings: "/reference/settings",
        Commands: "/reference/commands",
        Metrics: "/metrics",
        Errors: "/reference/errors",
        Wire: "/wire",
        Bench: "/bench",
      }),
    ],
  },
};

function section(text: string, pages: Readonly<Record<string, string>>): DefaultTheme.SidebarItem {
  return { text, items: Object.entries(pages).map(([page, link]) => ({ text: page, link })) };
}

// oxlint-disable-next-line import/no-default-export -- VitePress reads it
export default config;
