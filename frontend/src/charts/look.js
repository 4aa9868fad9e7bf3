// What all charts have in common; a chart's own option comes before it.
const QUIET = "var(--tblr-secondary-color)";
const LINES = "var(--tblr-border-color)";
const SERIES = ["primary", "green", "orange", "purple", "cyan", "red", "yellow", "pink"];

export function themed(option) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const axis = {
    axisLabel: { color: QUIET },
    axisLine: { lineStyle: { color: LINES } },
    axisTick: { lineStyle: { color: LINES } },
    splitLine: { lineStyle: { color: LINES } },
  };
  const common = {
    animation: !still,
    animationDuration: 200,
    backgroundColor: "transparent",
    color: SERIES.map((name) => `var(--tblr-${name})`),
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: "var(--tblr-body-color)" },
    aria: { enabled: true, decal: { show: matchMedia("(prefers-contrast: more)").matches } },
    tooltip: {
      confine: true,
      renderMode: "richText", // the other mode writes HTML with inline styles, which the policy forbids
      backgroundColor: "var(--tblr-bg-surface)",
      borderColor: LINES,
      textStyle: { color: "var(--tblr-body-color)" },
    },
  };
  if (option.legend) common.legend = { textStyle: { color: QUIET } };
  if (option.visualMap) common.visualMap = { textStyle: { color: QUIET } };
  if (option.xAxis) common.xAxis = axis;
  if (option.yAxis) common.yAxis = axis;
  if (option.calendar) {
    common.calendar = {
      dayLabel: { color: QUIET },
      monthLabel: { color: QUIET },
      yearLabel: { color: QUIET },
      itemStyle: { color: "transparent", borderColor: LINES },
      splitLine: { lineStyle: { color: LINES } },
    };
  }
  return merged(common, option);
}

// Where the option has a list (several axes), each of the list gets what is common.
function merged(common, own) {
  if (own === undefined) return common;
  if (Array.isArray(own) && isPlain(common)) return own.map((each) => merged(common, each));
  if (!isPlain(own) || !isPlain(common)) return own;
  const keys = new Set([...Object.keys(common), ...Object.keys(own)]);
  return Object.fromEntries([...keys].map((key) => [key, merged(common[key], own[key])]));
}

function isPlain(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
