// The licences of what is served, found by what the bundles were made of. One that we have not agreed to is an error.
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";

const AGREED = ["MIT", "Apache-2.0", "BSD-3-Clause", "0BSD"];
const TEXT = /^((licen[cs]e|notice)(\.(md|txt))?|licen[cs]es\/LICEN[CS]E-[^/]+)$/i;
const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\//;

export async function licenses(here, metafiles) {
  const packages = new Set(["@tabler/icons", "@fullcalendar/core"]); // these come in by our own hand
  for (const { inputs } of metafiles) {
    for (const file of Object.keys(inputs)) {
      const found = PACKAGE.exec(file);
      if (found) packages.add(found[1]);
    }
  }
  const parts = [...packages].sort().map((name) => part(here, name));
  return `What the pages of Doorward's console load contains:\n\n${(await Promise.all(parts)).join("\n")}`;
}

async function part(here, name) {
  const folder = path.join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  if (!AGREED.includes(license)) throw new Error(`${name} is under ${license}, which has not been agreed to`);
  const own = (await readdir(folder, { recursive: true })).filter((file) => TEXT.test(file));
  // One package does not ship the text that its licence wants kept.
  const files = own.length ? own.map((file) => path.join(folder, file)) : [path.join(here, "licenses", `${name.replace("/", "-")}.txt`)];
  const texts = await Promise.all(files.sort().map((file) => readFile(file, "utf8")));
  return `==== ${name} ${version} (${license})\n\n${texts.map((text) => text.trim()).join("\n\n")}\n`;
}
