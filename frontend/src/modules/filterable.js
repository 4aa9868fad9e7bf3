// A long list of boxes to tick gets a field that narrows it down.
function equip(list) {
  const field = document.createElement("input");
  field.type = "search";
  field.className = "form-control mb-2";
  field.placeholder = "Filter";
  field.setAttribute("aria-label", `Filter ${list.querySelector("legend")?.textContent ?? "the list"}`);
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const each of list.querySelectorAll(".choice-list > label")) {
      each.hidden = !each.textContent.toLowerCase().includes(wanted);
    }
  });
  list.querySelector(".choice-list").before(field);
  delete list.dataset.filterable;
}

document.addEventListener("htmx:load", ({ target }) => {
  for (const list of target.querySelectorAll("[data-filterable]")) equip(list);
});
