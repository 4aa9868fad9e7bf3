// A word about what was done, for a moment: the header HX-Trigger {"say": …}, or say() of another module.
export function say(text, bad = false) {
  const place = document.querySelector("[data-toasts]");
  const template = document.querySelector("template[data-toast-template]");
  if (!place || !template) return;
  const line = template.content.firstElementChild.cloneNode();
  line.textContent = text;
  line.classList.toggle("is-bad", bad);
  place.append(line);
  setTimeout(() => line.remove(), bad ? 9000 : 5000);
}

document.addEventListener("say", ({ detail }) => say(detail.text, detail.bad));
document.addEventListener("htmx:sendError", () => say("The server does not answer. Look whether it was done before you do it again.", true));
document.addEventListener("htmx:responseError", ({ detail }) => {
  // One that says why has its word in a header.
  if (!detail.xhr.getResponseHeader("HX-Trigger")) say("That did not work.", true);
});
