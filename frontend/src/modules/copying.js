// A button with data-copy copies the field of that id. Where the browser gives no clipboard, the field is selected.
document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    said(button, "Copied");
  } catch {
    field.focus();
    said(button, "Press Ctrl-C");
  }
});

function said(button, words) {
  const label = button.querySelector("span");
  button.dataset.words ??= label.textContent;
  label.textContent = words;
  clearTimeout(button.wait);
  button.wait = setTimeout(() => { label.textContent = button.dataset.words; }, 3000);
}

// A form that takes a while (data-slow) says so, and is sent once.
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("[data-slow]")) return;
  target.setAttribute("aria-busy", "true");
  // Later: a button that is off is not sent.
  setTimeout(() => { for (const button of target.querySelectorAll("button")) button.disabled = true; });
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-slow][aria-busy]")) {
    form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
});
