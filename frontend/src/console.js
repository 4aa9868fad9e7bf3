// What every page of the console loads.
import "./htmx.js";
import "./modules/*";
