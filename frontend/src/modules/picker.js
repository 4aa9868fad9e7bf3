// In the search for a person, Enter chooses the first who is found.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-picker] input")) return;
  event.preventDefault();
  const first = event.target.closest("fieldset").querySelector("input[type=radio]");
  if (!first) return;
  first.checked = true;
  first.focus();
});
