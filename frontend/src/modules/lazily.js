// What few pages have is loaded when it appears, with the page or by htmx: charts, calendars, what crops photos, weeks.
import htmx from "../htmx.js";

const LAZY = [
  ["[data-chart]", () => import("../charts.js")],
  ["[data-calendar]", () => import("../calendar.js")],
  ["[data-crop]", () => import("../crop.js")],
  ["[data-week-grid]", () => import("../week.js")],
];

const mounted = new WeakSet();

htmx.onLoad(async (element) => {
  for (const [selector, load] of LAZY) {
    const found = [...element.querySelectorAll(selector)];
    if (element.matches(selector)) found.unshift(element);
    if (!found.length) continue;
    const { mount } = await load();
    for (const each of found) {
      if (!each.isConnected || mounted.has(each)) continue;
      mounted.add(each);
      mount(each);
    }
  }
});
