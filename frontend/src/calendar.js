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
  const { person, what, when, utc } = event.extendedProps;
  if (person) el.title = `${when}\n${person}\n${what}\n${utc}`;
}

const line = (name, text) => Object.assign(document.createElement("div"), { className: name, textContent: text });

function inside({ event, view, timeText }) {
  const { person, what } = event.extendedProps;
  if (!person || event.allDay || !view.type.startsWith("timeGrid")) return true;
  const day = event.start.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" });
  return {
    domNodes: [
      line("visually-hidden", `${day},`),
      line("calendar-time", timeText),
      line("calendar-person", person),
      line("calendar-what", what),
    ],
  };
}

// What scrolls can be scrolled with the keyboard, too. To whoever listens the calendar is a list of links, each with
// its day and time: not a table to go about in, which has no keys for that.
function plain(element) {
  for (const each of element.querySelectorAll("table, thead, tbody, tr, td, th")) {
    each.setAttribute("role", "presentation");
    each.removeAttribute("aria-labelledby");
  }
  for (const each of element.querySelectorAll(".fc-scroller")) {
    if (each.scrollHeight > each.clientHeight + 1) each.tabIndex = 0;
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
    selectLongPressDelay: 350,
    height: 720,
    // A clock changes at night: that is to be seen.
    scrollTime: document.querySelector("[data-clock-changes] p") ? "00:00" : "07:00",
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
    moreLinkDidMount: ({ el }) => el.setAttribute("role", "button"),
    datesSet: () => requestAnimationFrame(() => plain(element)),
    ...(element.dataset.new ? offer(element, () => calendar) : {}),
    ...options,
  });
  calendar.render();
  if (feed) equip(calendar, VIEWS);
  return calendar;
}
