// Charts: <div data-chart class="chart"><script type="application/json">{…}</script></div>, where the script holds an
// option of ECharts. A colour in it may be "var(--tblr-primary)"; colours follow the page from light to dark.
import { BarChart, GaugeChart, HeatmapChart, LineChart, PieChart } from "echarts/charts";
import {
  AriaComponent,
  CalendarComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { resolved } from "./charts/colours.js";
import { look } from "./charts/look.js";

use([BarChart, GaugeChart, HeatmapChart, LineChart, PieChart]);
use([AriaComponent, CalendarComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent]);
use([TooltipComponent, VisualMapComponent, SVGRenderer]);

const drawn = new Map();
const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target)?.resize();
});

export function mount(element) {
  const ground = document.createElement("div");
  ground.className = "chart-ground";
  element.append(ground);
  drawn.set(element, init(ground, look(), { renderer: "svg" }));
  resized.observe(element);
  draw(element);
}

function draw(element) {
  const option = JSON.parse(element.querySelector('script[type="application/json"]').textContent);
  drawn.get(element).setOption(resolved(option), { notMerge: true });
}

function redrawAll() {
  const now = look();
  for (const [element, chart] of drawn) {
    chart.setTheme(now);
    draw(element);
  }
}

function forget(element) {
  if (!drawn.has(element)) return;
  resized.unobserve(element);
  drawn.get(element).dispose();
  drawn.delete(element);
}

new MutationObserver(redrawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
document.addEventListener("htmx:beforeCleanupElement", ({ target }) => forget(target));
