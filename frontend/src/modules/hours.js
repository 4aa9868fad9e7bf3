// Hours of a rule: the last row that is begun brings another, up to as many as a rule may have.
const MOST = 50;

document.addEventListener("input", ({ target }) => {
  const row = target.closest?.(".hours-row");
  const place = row?.parentElement.querySelectorAll(".hours-row").length;
  if (!row || row.nextElementSibling || place >= MOST) return;
  const next = row.cloneNode(true);
  next.querySelector("legend").textContent = `Hours ${place + 1}`;
  for (const field of next.querySelectorAll("input")) {
    field.name = field.name.replace(/\d+$/, String(place));
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  row.after(next);
});
