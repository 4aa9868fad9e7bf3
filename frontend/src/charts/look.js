// What all charts have in common, as a theme of ECharts; a chart's own option comes before it.
import { resolved } from "./colours.js";

const WORDS = "var(--tblr-body-color)";
const QUIET = "var(--tblr-secondary-color)";
const LINES = "var(--tblr-border-color)";
const GROUND = "var(--tblr-bg-surface)";
const SERIES = ["primary", "green", "orange", "purple", "cyan", "red", "yellow", "pink"];

// For the page as it is now: light or dark.
export function look() {
  const label = { color: WORDS, textBorderWidth: 0 };
  const line = { lineStyle: { color: LINES } };
  const quiet = { color: QUIET };
  const axis = { axisLabel: quiet, axisLine: line, axisTick: line, splitLine: line, nameTextStyle: quiet };
  return resolved({
    darkMode: document.documentElement.dataset.bsTheme === "dark",
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 200,
    animationDurationUpdate: 200,
    backgroundColor: "transparent",
    color: SERIES.map((name) => `var(--tblr-${name})`),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: WORDS },
    aria: { enabled: true, decal: { show: matchMedia("(prefers-contrast: more)").matches } },
    grid: { left: 8, right: 8, top: 32, bottom: 8, outerBoundsMode: "same" },
    legend: { top: 0, right: 0, bottom: "auto", left: "auto", textStyle: quiet },
    tooltip: {
      confine: true,
      renderMode: "richText", // the other mode writes HTML with inline styles, which the policy forbids
      backgroundColor: GROUND,
      borderColor: LINES,
      textStyle: { color: WORDS },
      axisPointer: { lineStyle: quiet, crossStyle: quiet },
    },
    visualMap: {
      textStyle: quiet,
      inRange: { color: ["var(--tblr-primary-lt)", "var(--tblr-primary)"] },
    },
    calendar: {
      dayLabel: quiet,
      monthLabel: quiet,
      yearLabel: quiet,
      itemStyle: { color: "transparent", borderColor: LINES },
      splitLine: line,
    },
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: axis,
    logAxis: axis,
    bar: { label },
    line: { label },
    heatmap: { label, itemStyle: { borderColor: GROUND, borderWidth: 1 } },
    pie: { label, itemStyle: { borderColor: GROUND, borderWidth: 1 } },
    gauge: {
      title: quiet,
      detail: { color: WORDS },
      axisLabel: quiet,
      axisLine: { lineStyle: { color: [[1, LINES]] } },
      axisTick: line,
      splitLine: line,
    },
  });
}
