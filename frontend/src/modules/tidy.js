// The address of a list has the filters that were set, not those that were left blank.
document.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (!target.matches?.("form[data-tidy]")) return;
  for (const [name, value] of [...detail.formData]) if (value === "") detail.formData.delete(name);
});
