// The rows of exact times below the grid: they are what is sent.
import { NAMES, empty, grouped, windowOf } from "./model.js";

export class Rows {
  constructor(form) {
    this.place = form.querySelector("[data-window-rows]");
    this.template = form.querySelector("template[data-window-template]");
    this.button = form.querySelector("[data-add-window]");
    for (const row of this.all()) this.equip(row);
    this.number();
    this.button.addEventListener("click", () => {
      const row = this.append({ days: [], start: "", end: "" });
      this.number();
      row.querySelector("input").focus();
    });
  }

  all() {
    return [...this.place.querySelectorAll("[data-window-row]")];
  }

  equip(row) {
    const button = row.querySelector("[data-remove-window]");
    button.addEventListener("click", () => {
      const next = row.nextElementSibling?.querySelector?.("[data-remove-window]") ?? this.button;
      row.remove();
      this.number();
      (next.isConnected ? next : this.button).focus();
      this.place.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  append({ days, start, end }) {
    const row = this.template.content.firstElementChild.cloneNode(true);
    for (const box of row.querySelectorAll("input[type=checkbox]")) box.checked = days.includes(box.value);
    const [from, to] = row.querySelectorAll("input[type=text]");
    [from.value, to.value] = [start, end];
    this.equip(row);
    this.button.parentElement.before(row);
    return row;
  }

  number() {
    this.all().forEach((row, index) => {
      row.querySelectorAll("[name]").forEach((field) => { field.name = field.name.replace(/^window-\d+/, `window-${index}`); });
      row.querySelector("legend").textContent = `Days of window ${index + 1}`;
      row.querySelector("[data-remove-window]").setAttribute("aria-label", `Remove window ${index + 1}`);
    });
  }

  // What the rows say now; those that are not complete say nothing.
  read() {
    const week = empty();
    for (const row of this.all()) {
      const [from, to] = row.querySelectorAll("input[type=text]");
      const window = windowOf(from.value, to.value);
      if (!window) continue;
      for (const box of row.querySelectorAll("input:checked")) week[NAMES.indexOf(box.value)].push([...window]);
    }
    for (const windows of week) windows.sort((one, other) => one[0] - other[0]);
    return week;
  }

  write(week) {
    for (const row of this.all()) row.remove();
    for (const entry of grouped(week)) this.append(entry);
    this.number();
  }
}
