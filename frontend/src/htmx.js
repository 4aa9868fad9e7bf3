// htmx as the console uses it. It reads this before it looks at the page.
import htmx from "htmx.org";

Object.assign(htmx.config, {
  allowEval: false, // script tags stay: they carry the data of charts, and the policy lets none with code in it run
  includeIndicatorStyles: false, // a <style> element, which the policy forbids; they are in styles/htmx.css
  selfRequestsOnly: true,
  historyCacheSize: 0, // pages about people are not to be found in the browser's storage
  refreshOnHistoryMiss: true,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "422", swap: true }, // a form that comes back with what is wrong in it
    { code: "[45]..", swap: false, error: true },
  ],
});

export default htmx;
