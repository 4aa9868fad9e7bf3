// The grid by keys: arrows move; Enter or Space begins a window, and ends it; Delete removes; Escape gives up.
import { HOLIDAYS, WORDS, between, clock, windowAt } from "./model.js";

const BY_HOURS = 120;

export function byKeys(grid) {
  let cell = { row: 0, slot: Math.round((8 * 60) / grid.step) };
  let anchor = null;
  grid.stop(cell);

  const go = (row, slot) => {
    cell = { row: Math.min(Math.max(row, 0), HOLIDAYS), slot: Math.min(Math.max(slot, 0), grid.slots - 1) };
    grid.focus(cell);
    if (anchor) grid.sketch(between(anchor, cell, grid.step));
  };

  const press = () => {
    if (anchor) {
      const painted = between(anchor, cell, grid.step);
      anchor = null;
      grid.sketch([]);
      grid.paint(painted);
      return;
    }
    anchor = cell;
    grid.sketch(between(anchor, cell, grid.step));
    grid.say(`A window begins at ${clock(cell.slot * grid.step)} on ${WORDS[cell.row]}. Go to its last cell and press Enter.`);
  };

  const drop = () => {
    const found = windowAt(grid.week, cell.row, cell.slot * grid.step);
    if (found) grid.remove(found);
  };

  const leap = () => Math.round(BY_HOURS / grid.step);
  const keys = {
    ArrowLeft: () => go(cell.row, cell.slot - 1),
    ArrowRight: () => go(cell.row, cell.slot + 1),
    ArrowUp: () => go(cell.row - 1, cell.slot),
    ArrowDown: () => go(cell.row + 1, cell.slot),
    Home: () => go(cell.row, 0),
    End: () => go(cell.row, grid.slots - 1),
    PageUp: () => go(cell.row, cell.slot - leap()),
    PageDown: () => go(cell.row, cell.slot + leap()),
    Enter: press,
    " ": press,
    Delete: drop,
    Backspace: drop,
    Escape: () => { anchor = null; grid.sketch([]); },
  };

  grid.element.addEventListener("keydown", (event) => {
    if (!event.target.matches(".week-cell") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  grid.element.addEventListener("focusin", ({ target }) => {
    if (!target.matches(".week-cell")) return;
    cell = { row: Number(target.dataset.row), slot: Number(target.dataset.slot) };
    const found = anchor ? null : windowAt(grid.week, cell.row, cell.slot * grid.step);
    if (found) grid.mark(found);
    else if (!anchor) grid.mark(null);
  });

  return { rebuilt() { anchor = null; cell = { row: cell.row, slot: 0 }; grid.stop(cell); } };
}

