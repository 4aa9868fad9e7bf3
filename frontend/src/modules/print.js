// A button prints the page; paper is light, whatever the screen is.
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-print]")) print();
});

const root = document.documentElement;
let theme = "";

addEventListener("beforeprint", () => {
  theme = root.dataset.bsTheme;
  root.dataset.bsTheme = "light";
});

addEventListener("afterprint", () => { root.dataset.bsTheme = theme; });
