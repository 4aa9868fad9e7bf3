// A timeline that is wider than the screen is shown from where something is to be seen.
const shown = document.querySelector(".booked[data-from]");
if (shown && shown.scrollWidth > shown.clientWidth) {
  const track = shown.querySelector(".booked-scale").clientWidth;
  shown.scrollLeft = (track * Number(shown.dataset.from)) / 100;
}
