// The listed icons, as what stands inside their <svg>; a filled one is called "…-filled".
import { readFile } from "node:fs/promises";
import path from "node:path";

const NOTHING = /<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/;

export async function icons(here) {
  const listed = JSON.parse(await readFile(path.join(here, "src/icons.json"), "utf8"));
  const found = {};
  for (const [style, suffix] of [["outline", ""], ["filled", "-filled"]]) {
    for (const name of listed[style]) {
      const svg = await readFile(path.join(here, "node_modules/@tabler/icons/icons", style, `${name}.svg`), "utf8");
      const inside = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>")).replace(NOTHING, "");
      found[name + suffix] = inside.replace(/\s*\n\s*/g, "").replaceAll(" />", "/>").trim();
    }
  }
  return found;
}
