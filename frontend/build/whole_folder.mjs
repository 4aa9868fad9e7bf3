// `import "./modules/*"` and `@import "./styles/*"`: every file of a folder, in the order of names.
import { readdir } from "node:fs/promises";
import path from "node:path";

export const wholeFolder = {
  name: "whole folder",
  setup(build) {
    build.onResolve({ filter: /\/\*$/ }, ({ path: pattern, resolveDir, kind }) => ({
      path: path.join(resolveDir, pattern.slice(0, -2)),
      namespace: kind === "import-rule" ? "styles of folder" : "modules of folder",
    }));
    build.onLoad({ filter: /./, namespace: "modules of folder" }, ({ path: folder }) =>
      loaded(folder, ".js", (name) => `import "./${name}";`, "js"),
    );
    build.onLoad({ filter: /./, namespace: "styles of folder" }, ({ path: folder }) =>
      loaded(folder, ".css", (name) => `@import "./${name}";`, "css"),
    );
  },
};

async function loaded(folder, extension, line, loader) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(extension)).sort();
  return { contents: names.map(line).join("\n"), loader, resolveDir: folder };
}
