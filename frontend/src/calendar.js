// FullCalendar's pieces, and a calendar in an element.
import { Calendar } from "@fullcalendar/core";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
import list from "@fullcalendar/list";
import timeGrid from "@fullcalendar/timegrid";

export { Calendar };
export const plugins = [dayGrid, timeGrid, list, interaction];

export function mount(element, options = {}) {
  const calendar = new Calendar(element, { plugins, initialView: "timeGridWeek", firstDay: 1, ...options });
  calendar.render();
  return calendar;
}
