// The grid by mouse and finger: drag over free hours to paint, drag an edge to change, click a window to edit it.
import { DAY, between, nextRow } from "./model.js";

export function byPointer(grid) {
  let doing = null;

  const at = (event) => {
    const tracks = [...grid.element.querySelectorAll(".week-track")];
    const row = tracks.reduce((best, track, index) => (event.clientY >= track.getBoundingClientRect().top ? index : best), 0);
    const box = tracks[row].getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return { row, share, slot: Math.min(Math.floor(share * grid.slots), grid.slots - 1) };
  };

  grid.element.addEventListener("pointerdown", (event) => {
    const track = event.target.closest(".week-track");
    if (!track || event.button !== 0) return;
    event.preventDefault();
    grid.element.setPointerCapture(event.pointerId);
    const here = at(event);
    const bar = event.target.closest(".week-piece");
    if (!bar) {
      doing = { kind: "paint", anchor: here, cell: here };
      grid.sketch(between(here, here, grid.step));
      return;
    }
    const found = { row: Number(bar.dataset.row), window: grid.week[bar.dataset.row][bar.dataset.index] };
    const edge = event.target.dataset.edge;
    doing = edge ? { kind: edge, found, before: [...found.window] } : { kind: "choose", found, from: here };
  });

  grid.element.addEventListener("pointermove", (event) => {
    if (!doing) return;
    const here = at(event);
    if (doing.kind === "paint") {
      doing.cell = here;
      grid.sketch(between(doing.anchor, here, grid.step));
    } else if (doing.kind === "choose") {
      // Somebody who begins on a window and goes on paints.
      if (here.slot !== doing.from.slot || here.row !== doing.from.row) {
        doing = { kind: "paint", anchor: doing.from, cell: here };
      }
    } else {
      pull(doing, here);
      grid.draw();
    }
  });

  function pull({ kind, found: { row, window } }, here) {
    const minute = Math.round(here.share * grid.slots) * grid.step;
    if (kind === "start") {
      if (here.row === row) window[0] = Math.min(Math.max(minute, window[1] - DAY + 1), Math.min(window[1], DAY) - grid.step);
      return;
    }
    const beyond = here.row !== row && here.row === nextRow(row);
    window[1] = beyond
      ? Math.min(DAY + minute, window[0] + DAY - grid.step)
      : Math.max(minute, window[0] + grid.step);
  }

  grid.element.addEventListener("pointerup", () => {
    if (!doing) return;
    const done = doing;
    doing = null;
    grid.sketch([]);
    if (done.kind === "paint") grid.paint(between(done.anchor, done.cell, grid.step));
    else if (done.kind === "choose") grid.choose(done.found);
    else grid.settle(done.found, done.before);
  });

  grid.element.addEventListener("pointercancel", () => {
    if (doing?.before) doing.found.window.splice(0, 2, ...doing.before);
    doing = null;
    grid.sketch([]);
    grid.draw();
  });
}
