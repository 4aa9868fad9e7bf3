// People: ticks and what is done with them; a person's page that follows its events; a form without blank filters.
import htmx from "../htmx.js";

function count(form) {
  const bar = form.querySelector(".bulk-bar");
  if (!bar) return;
  const boxes = [...form.querySelectorAll('input[name="ids"]')];
  const ticked = boxes.filter((box) => box.checked).length;
  bar.classList.toggle("is-on", ticked > 0);
  bar.querySelector("[data-ticked]").textContent = ticked === 1 ? "1 ticked" : `${ticked} ticked`;
  const all = form.querySelector("[data-tick-all]");
  if (!all) return;
  all.checked = ticked > 0 && ticked === boxes.length;
  all.indeterminate = ticked > 0 && ticked < boxes.length;
}

document.addEventListener("change", ({ target }) => {
  const form = target.closest?.("form[data-bulk]");
  if (!form) return;
  if (target.matches("[data-tick-all]")) {
    for (const box of form.querySelectorAll('input[name="ids"]')) box.checked = target.checked;
  }
  count(form);
});

htmx.onLoad((element) => {
  const form = element.closest?.("form[data-bulk]") ?? element.querySelector?.("form[data-bulk]");
  if (form) count(form);
});

// A filter that is left blank is no part of the address.
document.addEventListener("htmx:configRequest", ({ detail, target }) => {
  if (!target.closest?.("[data-plain]")) return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});

document.addEventListener("door", ({ detail }) => {
  if (detail.person_id) document.body.dispatchEvent(new CustomEvent(`person-${detail.person_id}`, { detail }));
});

// Only a PIN is made at random, and then has no number to be written.
function suit(form) {
  const isPin = form.querySelector(".is-typed:checked") !== null;
  const random = form.querySelector('[name="random"]');
  const value = form.querySelector('[name="value"]');
  if (!isPin) random.checked = false;
  value.disabled = random.checked;
  value.required = !random.checked;
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest?.("form[data-issuing]");
  if (form) suit(form);
});
for (const form of document.querySelectorAll("form[data-issuing]")) suit(form);
