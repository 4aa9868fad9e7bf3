// What happens at the doors, as it happens. A page that wants it has an element with data-live; the stream's messages
// become events: "door" (of the document, detail: the message) and "door-ID" (of the body, for hx-trigger).
// A hidden tab holds no connection; when it is seen again it goes on after the last message that it has had.
const state = document.querySelector("[data-live-state]");
let source = null;
let last = "";
let warning = 0;

function told(message) {
  last = message.lastEventId || last;
  const detail = JSON.parse(message.data);
  document.dispatchEvent(new CustomEvent("door", { detail }));
  if (detail.channel_id) document.body.dispatchEvent(new CustomEvent(`door-${detail.channel_id}`, { detail }));
}

function lost(isLost) {
  clearTimeout(warning);
  // A moment's loss is healed before anybody would have read of it.
  if (isLost) warning = setTimeout(() => { state.hidden = false; document.body.dataset.liveLost = ""; }, 1500);
  else { state.hidden = true; delete document.body.dataset.liveLost; }
}

function begin() {
  const page = document.querySelector("[data-live]");
  if (!page || source || document.hidden) return;
  const address = new URL("/console/live", location.href);
  if (last) address.searchParams.set("last_event_id", last);
  source = new EventSource(address);
  source.onopen = () => lost(false);
  source.onmessage = told;
  source.addEventListener("end", () => location.reload());
  source.onerror = () => {
    lost(true);
    // The browser tries again by itself unless it was refused.
    if (source?.readyState === EventSource.CLOSED) { source = null; setTimeout(begin, 5000); }
  };
}

function stop() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? stop() : begin()));
document.addEventListener("htmx:load", begin);
addEventListener("pagehide", stop);
begin();
