// Makes what the console's pages load: `node build.mjs FOLDER DIGEST`. FOLDER is replaced; DIGEST, of the sources,
// is noted in the manifest, so that whoever comes next can tell whether anything is to be done.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import esbuild from "esbuild";
import { fullcalendar } from "./build/fullcalendar.mjs";
import { icons } from "./build/icons.mjs";
import { licenses } from "./build/licenses.mjs";
import { wholeFolder } from "./build/whole_folder.mjs";
import { withoutEval } from "./build/without_eval.mjs";

const HERE = import.meta.dirname;
const [folder, digest] = process.argv.slice(2);
if (!folder || !digest) {
  console.error("usage: node build.mjs FOLDER DIGEST");
  process.exit(1);
}
const making = `${folder}.making`;
await rm(making, { recursive: true, force: true }); // of a run that was broken off

const SHARED = {
  absWorkingDir: HERE,
  bundle: true,
  minify: true,
  legalComments: "none", // they are in licenses.txt
  target: ["es2022", "chrome109", "firefox115", "safari16"],
  outdir: making,
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  loader: { ".svg": "dataurl" },
  metafile: true,
  logLevel: "warning",
  plugins: [wholeFolder, fullcalendar, withoutEval],
};

const made = await Promise.all([
  esbuild.build({
    ...SHARED,
    entryPoints: ["console.js", "charts.js", "calendar.js", "console.css", "calendar.css", "week.css"].map((name) => `src/${name}`),
    format: "esm",
    splitting: true,
  }),
  // Runs before the page is painted: a module would come too late.
  esbuild.build({ ...SHARED, entryPoints: ["src/theme.js"], format: "iife" }),
]);
const metafiles = made.map((result) => result.metafile);

const names = {};
for (const { outputs } of metafiles) {
  for (const [file, { entryPoint }] of Object.entries(outputs)) {
    const name = path.basename(file);
    // A shared part has no name of its own: it goes by the one that it is served under.
    names[entryPoint ? path.basename(entryPoint) : name] = name;
  }
}
const kept = await licenses(HERE, metafiles);
names["licenses.txt"] = `licenses-${createHash("sha256").update(kept).digest("hex").slice(0, 8)}.txt`;
await writeFile(path.join(making, names["licenses.txt"]), kept);

const served = Object.values(names);
const strays = (await readdir(making)).filter((name) => !served.includes(name));
if (strays.length) throw new Error(`made, but not in the manifest: ${strays}`);
await Promise.all(served.map(compress));
await writeFile(path.join(making, "icons.json"), JSON.stringify(await icons(HERE)));
await writeFile(path.join(making, "manifest.json"), JSON.stringify({ sources: digest, names }, null, 1));
await rm(folder, { recursive: true, force: true });
await mkdir(path.dirname(folder), { recursive: true });
await rename(making, folder);

async function compress(name) {
  const file = path.join(making, name);
  const content = await readFile(file);
  await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: 9 }));
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content, { params: quality }));
}
