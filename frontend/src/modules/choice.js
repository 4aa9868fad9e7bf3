// Whoever is chosen while others are still being looked for stays chosen when these come.
const kept = new WeakMap();

document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
  const chosen = target.matches?.(".picker-found") && target.querySelector("input[type=radio]:checked");
  if (chosen) kept.set(target, chosen.closest("label"));
});

document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  const label = kept.get(target);
  if (!label) return;
  kept.delete(target);
  const { name, value } = label.querySelector("input");
  const same = target.querySelector(`input[name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
  if (same) same.checked = true;
  else if (!target.querySelector("input[type=radio]:checked")) target.prepend(label);
});
