// FullCalendar 6 carries its styles in its code and writes them into a <style> element, which the console's
// Content-Security-Policy forbids. Here they become `@import "fullcalendar"`, and the code writes none.
import { readFile } from "node:fs/promises";
import path from "node:path";

const CARRIERS = ["core/internal-common.js", "daygrid/internal.js", "timegrid/internal.js", "list/internal.js"];
const STYLES = /^var css_248z = (".*");$/m;
const WRITING = "injectStyles(css_248z);";
const ROOT = "function registerStylesRoot(rootNode) {";
// Its icons are a font in a data: URI, for which the policy would have to allow fonts; ours are masks (calendar.css).
const ICON_FONT = /@font-face\{font-family:fcicons;[^}]*\}/;

export const fullcalendar = {
  name: "fullcalendar",
  setup(build) {
    const home = path.join(build.initialOptions.absWorkingDir, "node_modules/@fullcalendar");
    build.onResolve({ filter: /^fullcalendar$/ }, () => ({ path: home, namespace: "fullcalendar" }));
    build.onLoad({ filter: /./, namespace: "fullcalendar" }, async () => {
      const carried = CARRIERS.map(async (file) => {
        const [, text] = STYLES.exec(await readFile(path.join(home, file), "utf8"));
        return JSON.parse(text);
      });
      const styles = (await Promise.all(carried)).join("\n");
      if (!ICON_FONT.test(styles)) throw new Error("FullCalendar's icons are not where they were");
      return { contents: styles.replace(ICON_FONT, ""), loader: "css" };
    });
    build.onLoad({ filter: /@fullcalendar[\\/].*internal(-common)?\.js$/ }, async ({ path: file }) => {
      const contents = await readFile(file, "utf8");
      if (!contents.includes(WRITING)) return { contents, loader: "js" };
      return { contents: contents.replace(WRITING, "").replace(ROOT, `${ROOT} return;`), loader: "js" };
    });
  },
};
