// The list of events is live: what the filters let through is put on top, unless the reader has paused it.
import { say } from "./say.js";

const MOST_ROWS = 200;
let paused = false;
let waiting = 0;
let asked = 0;

const list = () => document.querySelector("[data-tail]");

function fits({ event_code, channel_id, person_id }, { codes, channels, people }) {
  const has = (allowed, id) => allowed === "null" || JSON.parse(allowed).includes(id);
  return has(codes, event_code) && has(channels, channel_id) && has(people, person_id);
}

function showSwitch() {
  const button = document.querySelector("[data-tail-switch]");
  if (!button) return;
  button.setAttribute("aria-pressed", String(paused));
  button.querySelector("[data-tail-waiting]").textContent = waiting ? `Go on, ${waiting} new` : "Go on";
}

async function fetchRows() {
  asked = 0;
  const section = list();
  if (!section) return;
  const answer = await fetch(section.dataset.tail, { headers: { "HX-Request": "true" } });
  if (!answer.ok || list() !== section) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const body = section.querySelector("[data-tail-rows]");
  const first = body.firstElementChild;
  for (const row of [...template.content.querySelectorAll("tr[id]")]) {
    if (document.getElementById(row.id)) continue;
    row.classList.add("is-new");
    body.insertBefore(row, first);
  }
  // What somebody is reading with the keyboard stays, whatever its age.
  while (body.children.length > MOST_ROWS && !body.lastElementChild.contains(document.activeElement)) body.lastElementChild.remove();
  section.querySelector("[data-tail-empty]")?.remove();
  section.querySelector(".tail-empty")?.classList.remove("tail-empty");
  document.body.dispatchEvent(new CustomEvent("tail"));
}

document.addEventListener("door", ({ detail }) => {
  const section = list();
  if (!section || !fits(detail, section.dataset)) return;
  if (paused) { waiting += 1; showSwitch(); return; }
  // Many at once are one question.
  asked ||= setTimeout(() => fetchRows().catch(() => say("The newest events could not be read.", true)), 250);
});

document.addEventListener("click", ({ target }) => {
  if (!target.closest?.("[data-tail-switch]")) return;
  paused = !paused;
  if (!paused && waiting) fetchRows();
  waiting = 0;
  showSwitch();
});

document.addEventListener("htmx:load", ({ target }) => {
  if (target.querySelector?.("[data-tail-switch]")) waiting = 0;
  showSwitch();
});
