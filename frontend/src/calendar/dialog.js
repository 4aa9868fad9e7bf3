// What is dragged over opens the form in a dialog, with the times in it.
import htmx from "../htmx.js";

const DAY = 86_400_000;
const local = (moment) => moment.toISOString().slice(0, 16);

export function offer(element, calendar) {
  const dialog = document.getElementById("booking-dialog");
  const body = document.getElementById("booking-dialog-body");
  const heading = dialog.querySelector("h2");

  async function open({ start, end, allDay, view }) {
    const days = Math.round((end - start) / DAY);
    const ofGroup = allDay && (days > 1 || view.type !== "dayGridMonth") && element.dataset.newGroup;
    const address = new URL(ofGroup || element.dataset.new, location.href);
    const oneDay = allDay && !ofGroup; // a day of the month: office hours to begin with
    address.searchParams.set("start_time", oneDay ? `${start.toISOString().slice(0, 10)}T09:00` : local(start));
    address.searchParams.set("end_time", oneDay ? `${start.toISOString().slice(0, 10)}T17:00` : local(end));
    if (element.dataset.channel && !ofGroup) address.searchParams.set("channel_id", element.dataset.channel);
    if (element.dataset.person) address.searchParams.set("person_id", element.dataset.person);
    address.searchParams.set("next", location.pathname + location.search);
    heading.textContent = ofGroup ? "Add a group reservation" : "Add a reservation";
    await htmx.ajax("GET", address.pathname + address.search, { target: body, swap: "innerHTML" });
    if (!body.firstElementChild) return;
    dialog.showModal();
    body.querySelector("input[type=search]")?.focus();
  }

  dialog.addEventListener("close", () => { body.replaceChildren(); calendar().unselect(); });
  dialog.addEventListener("click", (event) => {
    const link = event.target.closest("a.btn");
    if (!link) return;
    event.preventDefault(); // "Cancel" leads back to where one is
    dialog.close();
  });
  // A reservation is within one day; days as a whole are for groups.
  const fits = ({ start, end, allDay }) => allDay || new Date(end - 1).getUTCDate() === start.getUTCDate();
  return { selectable: true, selectMirror: true, unselectAuto: false, selectAllow: fits, select: open };
}
