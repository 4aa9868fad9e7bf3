// A page of alarms is read again when an event says that there may be another one, or one less.
let asked = 0;

document.addEventListener("door", ({ detail }) => {
  const page = document.querySelector("[data-alarm-codes]");
  if (!page || asked) return;
  const { alarmCodes, alarmChannel } = page.dataset;
  if (!alarmCodes.split(" ").includes(String(detail.event_code))) return;
  if (alarmChannel && alarmChannel !== String(detail.channel_id)) return;
  asked = setTimeout(() => {
    asked = 0;
    document.body.dispatchEvent(new CustomEvent("alarms"));
  }, 250);
});
