// The bar above the calendar are links, which lead to the same page with something else in its address. With the
// calendar there nothing need be loaded: it goes on by itself, and the address and the links follow.
export function equip(calendar, views) {
  const title = document.querySelector("[data-calendar-title]");
  const notes = document.querySelector("[data-clock-changes]");
  const tabs = [...document.querySelectorAll("[data-calendar-view]")];
  const keyOf = (type) => Object.keys(views).find((key) => views[key] === type);
  let asServed = calendar.view.type === views[calendar.el.dataset.view];

  function follow() {
    const { type, currentStart, currentEnd } = calendar.view;
    const today = calendar.getDate();
    const day = (currentStart <= today && today < currentEnd ? today : currentStart).toISOString().slice(0, 10);
    const address = new URL(location.href);
    address.searchParams.set("view", keyOf(type));
    address.searchParams.set("date", day);
    if (!asServed) {
      history.replaceState(history.state, "", address);
      title.textContent = calendar.view.title;
      notes.replaceChildren();
    }
    asServed = false;
    for (const tab of tabs) {
      const target = new URL(tab.href);
      target.searchParams.set("date", day);
      tab.href = target.href;
      if (tab.dataset.calendarView === keyOf(type)) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
    for (const field of document.querySelectorAll(".booking-filters input[name=date]")) field.value = day;
    for (const field of document.querySelectorAll(".booking-filters input[name=view]")) field.value = keyOf(type);
  }

  calendar.on("datesSet", follow);
  follow();
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-calendar-go], [data-calendar-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (link.dataset.calendarView) calendar.changeView(views[link.dataset.calendarView]);
    else calendar[link.dataset.calendarGo]();
  });
}
