// Light or dark, before the page is painted: what was chosen in this browser, otherwise as the system is.
// A control with data-theme-choice="light", "dark" or "auto" chooses.
const KEPT = "doorward-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

function chosen() {
  try {
    return localStorage.getItem(KEPT) ?? "auto";
  } catch {
    return "auto"; // a browser that keeps nothing
  }
}

function show() {
  const choice = chosen();
  root.dataset.themeChosen = choice;
  root.dataset.bsTheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
  for (const control of document.querySelectorAll("[data-theme-choice]")) {
    control.setAttribute("aria-pressed", String(control.dataset.themeChoice === choice));
  }
}

dark.addEventListener("change", show);
addEventListener("storage", show); // chosen in another tab
document.addEventListener("DOMContentLoaded", show);
document.addEventListener("click", ({ target }) => {
  const control = target.closest?.("[data-theme-choice]");
  if (!control) return;
  try {
    localStorage.setItem(KEPT, control.dataset.themeChoice);
  } catch {
    return;
  }
  show();
});
show();
