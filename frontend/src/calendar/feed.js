// Where the calendar has its events from, and what time it is there.
import { say } from "../modules/say.js";

export async function fetched(feed, { startStr, endStr }) {
  const address = new URL(feed, location.href);
  address.searchParams.set("start", startStr.slice(0, 10));
  address.searchParams.set("end", endStr.slice(0, 10));
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (!answer.ok) {
    say("The reservations could not be read. Please load the page again.", true);
    throw new Error(`the calendar was answered ${answer.status}`);
  }
  const { events, more } = await answer.json();
  if (more) say("There are more than can be shown. Choose a door or a person.", true);
  return events;
}

// "2026-03-02T09:00:00" by the clock of a zone.
export function localNow(zone) {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return parts.format(new Date()).replace(" ", "T");
}
