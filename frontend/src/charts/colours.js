// Colours of the stylesheet for a library that cannot read it.
const probe = document.createElement("span");
const point = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

// Any colour that CSS understands, as "rgba(…)", which ECharts understands: the browser works it out.
export function colourOf(css) {
  probe.style.color = "";
  probe.style.color = css;
  document.body.append(probe);
  point.clearRect(0, 0, 1, 1);
  point.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  point.fillRect(0, 0, 1, 1);
  const [red, green, blue, opacity] = point.getImageData(0, 0, 1, 1).data;
  return `rgba(${red},${green},${blue},${(opacity / 255).toFixed(3)})`;
}

// A copy of an option, with colours in the place of "var(--…)".
export function resolved(value) {
  if (typeof value === "string") return value.startsWith("var(--") ? colourOf(value) : value;
  if (Array.isArray(value)) return value.map(resolved);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each)]));
}
