// The calendar of reservations: <div data-calendar data-view data-date data-zone data-feed …>, see reservations/calendar.html.
// It knows no zones: what it is told and what it tells are times of day by the account's clock.
import { Calendar } from "@fullcalendar/core";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
import list from "@fullcalendar/list";
import timeGrid from "@fullcalendar/timegrid";
import { equip } from "./calendar/bar.js";
import { offer } from "./calendar/dialog.js";
import { fetched, localNow } from "./calendar/feed.js";

export const plugins = [dayGrid, timeGrid, list, interaction];

const VIEWS = { day: "timeGridDay", week: "timeGridWeek", month: "dayGridMonth", list: "listWeek" };
const CLOCK = { hour: "2-digit", minute: "2-digit", hour12: false };

function dressed({ el, event }) {
  const { person, what, when } = event.extendedProps;
  if (!person) return;
  el.title = `${when}\n${person}\n${what}`;
  if (el.matches("a")) el.setAttribute("aria-label", `${person}, ${what}, ${when}`);
}

function inside({ event, view, timeText }) {
  const { person, what } = event.extendedProps;
  if (!person || event.allDay || !view.type.startsWith("timeGrid")) return true;
  const line = (name, text) => Object.assign(document.createElement("div"), { className: name, textContent: text });
  return { domNodes: [line("calendar-time", timeText), line("calendar-person", person), line("calendar-what", what)] };
}

// What scrolls can be scrolled with the keyboard, too.
function reachable(element) {
  for (const each of element.querySelectorAll(".fc-scroller")) {
    if (each.scrollHeight > each.clientHeight) each.tabIndex = 0;
  }
}

export function mount(element, options = {}) {
  const { view, date, zone, feed } = element.dataset;
  const narrow = matchMedia("(max-width: 640px)").matches && !new URLSearchParams(location.search).has("view");
  const calendar = new Calendar(element, {
    plugins,
    initialView: narrow ? VIEWS.day : VIEWS[view] ?? VIEWS.week,
    initialDate: date,
    timeZone: zone,
    now: zone ? () => localNow(zone) : undefined,
    firstDay: 1,
    locale: "en-gb",
    headerToolbar: false,
    nowIndicator: true,
    height: 720,
    scrollTime: "07:00",
    slotLabelFormat: CLOCK,
    eventTimeFormat: CLOCK,
    dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
    views: { dayGridMonth: { dayHeaderFormat: { weekday: "short" }, dayMaxEvents: 4, height: "auto" }, listWeek: { height: "auto" } },
    allDayText: "Days",
    noEventsText: "Nobody has a reservation then.",
    events: feed ? (info, done, failed) => fetched(feed, info).then(done, failed) : [],
    slotEventOverlap: false,
    eventContent: inside,
    eventDidMount: dressed,
    datesSet: () => requestAnimationFrame(() => reachable(element)),
    ...(element.dataset.new ? offer(element, () => calendar) : {}),
    ...options,
  });
  calendar.render();
  if (feed) equip(calendar, VIEWS);
  return calendar;
}
