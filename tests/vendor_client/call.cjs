// Makes calls with the vendor's own client, the npm package `doorflow`, and reports what came of each.
//
// In, as one JSON object on stdin:
//   {base_url, token, calls: [{api: "ReservationsApi", method: "deleteReservation", args: {id: 1}}]}
// `token` goes out as "Bearer <token>"; null sends no Authorization header. {"$date": "<ISO 8601>"}
// anywhere in `args` becomes a Date, which the client demands for date-time fields. A method without
// parameters ignores `args`.
//
// Out, as one JSON object on stdout, with an entry for each call, in order:
//   {answers: [{ok: true, status, headers, raw_body, body, request, value},
//              {ok: false, status, headers, raw_body, body, request, error_name, error_message}]}
// `value` is what the client returned: Dates as ISO strings (one that could not be read as "Invalid Date"),
// undefined as absent. `body` is the answer's JSON, null if it is none; `request` is {method, url, headers,
// body} as sent. What was never sent or answered is null. Exits with 1 if the input is not as described.
'use strict';

const doorflow = require('doorflow');

function revive(key, value) {
  return value !== null && typeof value === 'object' && '$date' in value ? new Date(value.$date) : value;
}

// A function, not an arrow: `this[key]` is the value before toJSON, which makes null of an invalid Date.
function serialise(key, value) {
  return this[key] instanceof Date && Number.isNaN(this[key].getTime()) ? 'Invalid Date' : value;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Middleware is the client's own hook; it sees each request and answer without changing what the caller gets.
function recorder(seen) {
  return {
    async pre({ url, init }) {
      const body = init.body === undefined ? null : String(init.body);
      seen.request = { method: init.method, url, headers: init.headers, body };
    },
    async post({ response }) {
      seen.status = response.status;
      seen.headers = Object.fromEntries(response.headers);
      seen.raw_body = await response.text();
      seen.body = parsed(seen.raw_body);
    },
  };
}

async function call(settings, { api, method, args }) {
  const Api = doorflow[api];
  // Each method has a twin `…Raw`; its number of parameters tells whether it takes more than fetch's options.
  const raw = Api?.prototype?.[`${method}Raw`];
  if (!raw) throw new Error(`the vendor's client has no ${api}.${method}`);
  const seen = { status: null, headers: {}, raw_body: null, body: null, request: null };
  const client = new Api(new doorflow.Configuration({ ...settings, middleware: [recorder(seen)] }));
  try {
    const value = await (raw.length === 1 ? client[method]() : client[method](args ?? {}));
    return { ok: true, ...seen, value };
  } catch (error) {
    const cause = error.cause?.cause ?? error.cause;
    const error_message = cause ? `${error.message}: ${cause}` : error.message;
    return { ok: false, ...seen, error_name: error.name, error_message };
  }
}

async function main() {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const { base_url, token, calls } = JSON.parse(text, revive);
  const accessToken = token === null ? undefined : `Bearer ${token}`;
  const answers = [];
  for (const each of calls) answers.push(await call({ basePath: base_url, accessToken }, each));
  process.stdout.write(JSON.stringify({ answers }, serialise));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
