// The keyboard: "/" or Ctrl-K to search; "g" and then a letter to go to a place; arrows within the search's results.
const PLACES = { o: "/console", d: "/console/doors", p: "/console/people", r: "/console/reservations", e: "/console/events", a: "/console/alarms" };
let goingSince = 0;

const isWriting = (element) => element.matches?.('input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable]');

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("[data-search] input");
  if (search && ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !isWriting(event.target)))) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (isWriting(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "g") goingSince = event.timeStamp;
  else if (event.timeStamp - goingSince < 1200 && PLACES[event.key]) location.assign(PLACES[event.key]);
});

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-search]");
  if (!box) return;
  const stops = [box.querySelector("input"), ...box.querySelectorAll(".search-results a")];
  const here = stops.indexOf(document.activeElement);
  if (event.key === "Escape") {
    box.querySelector(".search-results").replaceChildren();
    stops[0].value = "";
    stops[0].blur();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    stops[(here + (event.key === "ArrowDown" ? 1 : stops.length - 1)) % stops.length]?.focus();
  } else if (event.key === "Enter" && here === 0 && stops.length > 1) {
    event.preventDefault();
    location.assign(stops[1].href);
  }
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest?.("[data-search]")) document.querySelector(".search-results")?.replaceChildren();
});
