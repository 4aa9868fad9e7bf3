// In the first steps one goes on with the form that is open, without a mouse.
const FIELDS = "input:not([type=hidden], [type=radio]), select, button";
if (!document.querySelector("[data-focus]")) {
  document.querySelector(".start-step.is-open form")?.querySelector(FIELDS)?.focus({ preventScroll: true });
}
