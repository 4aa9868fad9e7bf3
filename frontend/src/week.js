// The week of a shift, to be painted. It writes the rows of exact times below it, which are what is sent.
import { byKeys } from "./week/keyboard.js";
import { DAY, NAMES, WORDS, add, clock, copied, nextRow, windowAt, windowOf, words } from "./week/model.js";
import { byPointer } from "./week/pointer.js";
import { Rows } from "./week/rows.js";

const WEEKDAYS = [0, 1, 2, 3, 4];

function made(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function button(label, act) {
  const found = made("button", "btn", { type: "button" });
  found.textContent = label;
  found.addEventListener("click", act);
  return found;
}

class WeekGrid {
  constructor(place) {
    this.place = place;
    this.form = place.closest("form");
    this.rows = new Rows(this.form);
    this.week = this.rows.read();
    this.step = 30;
    this.chosen = null;
    this.undoable = [];
    this.build();
    byPointer(this);
    this.keys = byKeys(this);
    this.listen();
    this.draw();
  }

  get slots() {
    return DAY / this.step;
  }

  build() {
    this.element = made("div", "week-table", { role: "grid", "aria-label": "Week", "aria-describedby": "week-help" });
    this.told = made("p", "visually-hidden", { role: "status" });
    this.editor = made("div", "week-editor");
    this.place.replaceChildren(this.tools(), this.hours(), this.element, this.editor, this.told);
    this.fill();
    this.edit();
  }

  tools() {
    const bar = made("div", "week-tools");
    const help = made("p", "form-hint", { id: "week-help" });
    help.textContent = "Drag to paint; drag down for more days, or down and to the left over midnight. With keys: arrows, Enter to begin and to end, Delete to remove.";
    const label = made("label", "week-step");
    label.append("Steps ");
    const choice = made("select", "form-select");
    for (const minutes of [15, 30, 60]) choice.add(new Option(`${minutes} min`, minutes, minutes === this.step, minutes === this.step));
    choice.addEventListener("change", (event) => {
      event.stopPropagation();
      this.step = Number(choice.value);
      this.fill();
      this.keys.rebuilt();
      this.draw();
    });
    label.append(choice);
    this.undo = button("Undo", () => this.goBack());
    this.undo.disabled = true;
    bar.append(help, label, this.undo);
    return bar;
  }

  hours() {
    const line = made("div", "week-hours", { "aria-hidden": "true" });
    for (const hour of [0, 3, 6, 9, 12, 15, 18, 21, 24]) {
      const each = made("span", "week-hour-name");
      each.textContent = String(hour).padStart(2, "0");
      each.style.insetInlineStart = `${(hour / 24) * 100}%`;
      line.append(each);
    }
    return line;
  }

  fill() {
    this.tracks = NAMES.map((name, row) => {
      const track = made("div", "week-track", { role: "presentation" });
      for (let slot = 0; slot < this.slots; slot += 1) {
        const cell = made("div", "week-cell", { role: "gridcell", tabindex: "-1" });
        cell.dataset.row = row;
        cell.dataset.slot = slot;
        if ((slot * this.step) % 180 === 0) cell.classList.add("is-hour");
        track.append(cell);
      }
      return track;
    });
    this.element.replaceChildren(...this.tracks.map((track, row) => {
      const line = made("div", `week-row${row === 7 ? " is-holidays" : ""}`, { role: "row" });
      const head = made("div", "week-day", { role: "rowheader" });
      head.innerHTML = "<span></span><span aria-hidden='true'></span>";
      head.firstChild.className = "week-day-long";
      head.firstChild.textContent = WORDS[row];
      head.lastChild.className = "week-day-short";
      head.lastChild.textContent = WORDS[row].slice(0, 3);
      line.append(head, track);
      return line;
    }));
  }

  listen() {
    this.form.addEventListener("change", ({ target }) => {
      if (this.rows.place.contains(target)) {
        this.keep();
        this.week = this.rows.read();
        this.chosen = null;
        this.edit();
      }
      this.draw();
    });
  }

  cell({ row, slot }) {
    return this.tracks[row].children[slot];
  }

  stop(cell) {
    this.element.querySelector(".week-cell[tabindex='0']")?.setAttribute("tabindex", "-1");
    this.cell(cell).setAttribute("tabindex", "0");
  }

  focus(cell) {
    this.stop(cell);
    this.cell(cell).focus();
  }

  say(text) {
    this.told.textContent = text;
  }

  draw() {
    this.element.classList.toggle("without-holidays", this.form.elements.holidays.value !== "replace");
    this.tracks.forEach((track, row) => {
      track.querySelectorAll(".week-piece").forEach((piece) => piece.remove());
      for (const cell of track.querySelectorAll(".week-cell")) {
        const minute = cell.dataset.slot * this.step;
        const open = Boolean(windowAt(this.week, row, minute));
        cell.setAttribute("aria-selected", open);
        cell.setAttribute("aria-label", `${WORDS[row]} ${clock(minute)}, ${open ? "open" : "closed"}`);
      }
    });
    this.week.forEach((windows, row) => windows.forEach((window, index) => {
      this.piece(row, index, window[0], Math.min(window[1], DAY), "start", window[1] <= DAY && "end");
      const next = nextRow(row);
      if (window[1] > DAY && next !== null) this.piece(row, index, 0, window[1] - DAY, null, "end", next);
    }));
  }

  piece(row, index, start, end, first, last, drawnOn = row) {
    const window = this.week[row][index];
    const piece = made("div", "week-piece", { "aria-hidden": "true" });
    piece.classList.toggle("is-chosen", this.chosen?.window === window);
    piece.classList.toggle("goes-on", !last);
    piece.classList.toggle("comes-from", !first);
    Object.assign(piece.dataset, { row, index });
    piece.style.insetInlineStart = `${(start / DAY) * 100}%`;
    piece.style.inlineSize = `${((end - start) / DAY) * 100}%`;
    piece.title = words(row, window);
    const text = made("span", "week-piece-text");
    text.textContent = `${clock(window[0])}–${clock(window[1])}`;
    piece.append(text);
    for (const edge of [first, last]) {
      if (!edge) continue;
      const handle = made("span", `week-edge is-${edge}`);
      handle.dataset.edge = edge;
      piece.append(handle);
    }
    this.tracks[drawnOn].append(piece);
  }

  // What is about to be painted.
  sketch(painted) {
    this.element.querySelectorAll(".week-sketch").forEach((each) => each.remove());
    const show = (row, start, end) => {
      if (row === null) return;
      const sketch = made("div", "week-sketch", { "aria-hidden": "true" });
      sketch.style.insetInlineStart = `${(start / DAY) * 100}%`;
      sketch.style.inlineSize = `${((end - start) / DAY) * 100}%`;
      sketch.textContent = `${clock(painted[0].window[0])}–${clock(painted[0].window[1])}`;
      this.tracks[row].append(sketch);
    };
    for (const { row, window: [start, end] } of painted) {
      show(row, start, Math.min(end, DAY));
      if (end > DAY) show(nextRow(row), 0, end - DAY);
    }
  }

  // Before anything is changed.
  keep(week = copied(this.week)) {
    this.undoable.push(week);
    this.undo.disabled = false;
  }

  goBack() {
    this.week = this.undoable.pop();
    this.undo.disabled = this.undoable.length === 0;
    this.chosen = null;
    this.changed("Undone");
  }

  changed(text) {
    this.rows.write(this.week);
    this.draw();
    this.edit();
    this.say(text);
    this.form.dispatchEvent(new Event("change", { bubbles: true }));
  }

  paint(painted) {
    this.keep();
    let last = null;
    for (const { row, window } of painted) last = { row, window: add(this.week, row, window) };
    this.chosen = last;
    const more = painted.length > 1 ? `, and ${painted.length - 1} more` : "";
    this.changed(`${words(painted[0].row, painted[0].window)} added${more}`);
  }

  // After an edge was dragged.
  settle(found, before) {
    const { row, window } = found;
    if (window[0] === before[0] && window[1] === before[1]) {
      this.choose(found);
      return;
    }
    const kept = copied(this.week);
    kept[row][this.week[row].indexOf(window)] = before;
    this.keep(kept);
    this.week[row] = this.week[row].filter((each) => each !== window);
    this.chosen = { row, window: add(this.week, row, window) };
    this.changed(`Now ${words(row, this.chosen.window)}`);
  }

  remove({ row, window }) {
    this.keep();
    this.week[row] = this.week[row].filter((each) => each !== window);
    this.chosen = null;
    this.changed(`${words(row, window)} removed`);
  }

  mark(found) {
    if (this.chosen?.window === found?.window) return;
    this.chosen = found;
    for (const piece of this.element.querySelectorAll(".week-piece")) {
      piece.classList.toggle("is-chosen", Boolean(found) && this.week[piece.dataset.row][piece.dataset.index] === found.window);
    }
    this.edit();
  }

  choose(found) {
    this.mark(found);
    this.editor.querySelector("input")?.focus();
  }

  // The exact times of the window that is chosen.
  edit() {
    if (!this.chosen) {
      const hint = made("p", "text-secondary");
      hint.textContent = "Click a window to set its exact times or remove it.";
      this.editor.replaceChildren(hint);
      return;
    }
    const { row, window } = this.chosen;
    const title = made("strong", "week-editor-title");
    title.textContent = words(row, window);
    const [from, to] = ["From", "to"].map((label, index) => {
      const found = made("label", "week-editor-time");
      const field = made("input", "form-control", { type: "text", inputmode: "numeric", maxlength: "5", autocomplete: "off" });
      field.value = clock(window[index]);
      field.addEventListener("change", (event) => { event.stopPropagation(); this.retime(from, to); });
      field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); this.retime(from, to); } });
      found.append(`${label} `, field);
      return found;
    });
    const actions = [button("Remove", () => this.remove(this.chosen))];
    if (WEEKDAYS.includes(row)) actions.push(button("Same on Monday to Friday", () => this.paint(WEEKDAYS.map((day) => ({ row: day, window: [...window] })))));
    this.editor.replaceChildren(title, from, to, ...actions);
  }

  retime(...labels) {
    const fields = labels.map((label) => label.querySelector("input"));
    const window = windowOf(...fields.map((field) => field.value));
    for (const field of fields) field.setAttribute("aria-invalid", String(!window));
    if (!window) {
      this.say("That is no window: a time is such as 07:00, at most 24:00");
      return;
    }
    const { row, window: before } = this.chosen;
    if (window[0] === before[0] && window[1] === before[1]) return;
    this.keep();
    this.week[row] = this.week[row].filter((each) => each !== before);
    this.chosen = { row, window: add(this.week, row, window) };
    this.changed(`Now ${words(row, this.chosen.window)}`);
  }
}

export function mount(place) {
  return new WeekGrid(place);
}
