// The windows of a week: for each row (Monday to Sunday, then holidays) a list of [start, end] in minutes after
// midnight. An end beyond 1440 is on the next day.
export const DAY = 1440;
export const NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"];
export const WORDS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "Holidays"];
export const HOLIDAYS = 7;

export const empty = () => NAMES.map(() => []);
export const copied = (week) => week.map((row) => row.map(([start, end]) => [start, end]));

export function clock(minutes) {
  const shown = minutes > DAY ? minutes - DAY : minutes;
  return `${String(Math.floor(shown / 60)).padStart(2, "0")}:${String(shown % 60).padStart(2, "0")}`;
}

// Minutes of "07:30" or "7:30"; null for what is no time. Only an end may be "24:00".
export function minutesOf(text, isEnd) {
  const found = /^(\d{1,2}):(\d{2})$/.exec(text.trim());
  if (!found) return null;
  const minutes = Number(found[1]) * 60 + Number(found[2]);
  return Number(found[2]) < 60 && (minutes < DAY || (isEnd && minutes === DAY)) ? minutes : null;
}

// A window of two times as they are written; null where they make none.
export function windowOf(startText, endText) {
  const start = minutesOf(startText, false);
  const end = minutesOf(endText, true);
  if (start === null || end === null || start === end) return null;
  return [start, end > start ? end : end + DAY];
}

export const words = (row, [start, end]) => `${WORDS[row]} ${clock(start)} to ${clock(end)}${end > DAY ? " the next day" : ""}`;

// Adds a window to a row; those that it overlaps or touches become one with it.
export function add(week, row, window) {
  const kept = [];
  let [start, end] = window;
  for (const each of week[row]) {
    if (each[1] < start || each[0] > end) kept.push(each);
    else [start, end] = [Math.min(start, each[0]), Math.max(end, each[1])];
  }
  // A window is never longer than a day.
  const added = [start, Math.min(end, start ? start + DAY - 1 : DAY)];
  week[row] = [...kept, added].sort((one, other) => one[0] - other[0]);
  return added;
}

// What is painted from one cell to another. To the right or upwards it is the same hours on each of the days; downwards
// and to the left of where it began it goes over midnight.
export function between(anchor, cell, step) {
  const overnight = cell.row > anchor.row && cell.slot < anchor.slot;
  const found = [];
  if (overnight) {
    const start = anchor.slot * step;
    const end = DAY + Math.min((cell.slot + 1) * step, start - step);
    for (let row = anchor.row; row < cell.row; row += 1) found.push({ row, window: [start, end] });
    return found;
  }
  const [first, last] = [Math.min(anchor.slot, cell.slot), Math.max(anchor.slot, cell.slot)];
  for (let row = Math.min(anchor.row, cell.row); row <= Math.max(anchor.row, cell.row); row += 1) {
    found.push({ row, window: [first * step, (last + 1) * step] });
  }
  return found;
}

// The row on which the rest of a window beyond midnight is drawn; after a holiday comes any day.
export const nextRow = (row) => (row === HOLIDAYS ? null : (row + 1) % HOLIDAYS);

// The window at an instant of a row, with the row it belongs to.
export function windowAt(week, row, minute) {
  const own = week[row].find(([start, end]) => start <= minute && minute < end);
  if (own) return { row, window: own };
  if (row === HOLIDAYS) return null;
  const before = (row + HOLIDAYS - 1) % HOLIDAYS;
  const rest = week[before].find(([, end]) => minute + DAY < end);
  return rest ? { row: before, window: rest } : null;
}

// The week as the form and the API have it: one entry for all days with the same times.
export function grouped(week) {
  const found = new Map();
  week.forEach((windows, row) => {
    for (const [start, end] of windows) {
      const times = `${clock(start)}-${clock(end)}`;
      if (!found.has(times)) found.set(times, { days: [], start: clock(start), end: clock(end) });
      found.get(times).days.push(NAMES[row]);
    }
  });
  return [...found.values()];
}
