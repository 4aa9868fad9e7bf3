// The matrix of roles and doors: arrows move between its boxes, of which one is a stop of the Tab key; what could not
// be changed is as it was before.
const boxes = (row) => [...row.querySelectorAll("input[type=checkbox]")];

function stop(box) {
  const matrix = box.closest("[data-matrix]");
  for (const each of matrix.querySelectorAll("tbody input[tabindex='0']")) each.tabIndex = -1;
  box.tabIndex = 0;
}

document.addEventListener("htmx:load", ({ target }) => {
  for (const matrix of target.querySelectorAll("[data-matrix]")) {
    const all = [...matrix.querySelectorAll("tbody input")];
    all.forEach((box) => { box.tabIndex = -1; });
    const first = all.find((box) => !box.disabled);
    if (first) first.tabIndex = 0;
  }
});

document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.("[data-matrix] tbody input")) stop(target);
});

document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-matrix] tbody input")) return;
  const row = box.closest("tr");
  const rows = [...row.parentElement.rows];
  const column = boxes(row).indexOf(box);
  const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
  if (!down && !right) return;
  event.preventDefault();
  // Boxes that are not the user's to change are passed over.
  let [at, place] = [rows.indexOf(row) + down, column + right];
  for (; rows[at] && boxes(rows[at])[place]; at += down, place += right) {
    const next = boxes(rows[at])[place];
    if (!next.disabled) {
      next.focus();
      return;
    }
  }
});

for (const failed of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failed, ({ target }) => {
    if (target.matches?.("[data-matrix] tbody input")) target.checked = !target.checked;
  });
}
