// Receives webhooks with the vendor's own client, the npm package `doorflow`: WebhookHandler with auto-fetch.
//
// Listens on a free port of this machine. Commands come as lines of JSON on stdin:
//   {secret: "…", base_url, token}   from now on verify with this secret; with a token, fetch what is told of
//   {verify: {body, signature, timestamp, secret}}   verify a message by hand
// It answers on stdout, a line of JSON each: {port} first; {secret: true} and {verified, error} for the commands; and
// for each POST {status, error, events: [{event, resource}], body, signature, timestamp}, `resource` being what the
// client fetched (absent if it could not).
'use strict';

const http = require('node:http');
const readline = require('node:readline');
const path = require('node:path');

// The package has its newest part, webhooks, beside what its main module gives out.
const newest = path.join(path.dirname(require.resolve('doorflow')), 'src');
const { Configuration, CredentialsApi, DoorFlow, EventsApi } = require(newest);

let handler = null;
let seen = [];

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function configured({ secret, base_url, token }) {
  const settings = new Configuration({ basePath: base_url, accessToken: `Bearer ${token}` });
  const client = token ? { events: new EventsApi(settings), credentials: new CredentialsApi(settings) } : undefined;
  const made = new DoorFlow.WebhookHandler({ secret, doorflow: client });
  made.on('*', async (event, resource) => {
    // The client fetches what it knows. Of the rest it says where it is, and an integrator asks for it.
    const perimeter = client && event.resourceType === 'PerimeterEvent';
    const asked = perimeter ? { id: Number(event.resourceId), ackToken: event.ackToken } : null;
    seen.push({ event, resource: asked ? await client.events.getEvent(asked) : resource });
  });
  return made;
}

function verified({ body, signature, timestamp, secret }) {
  try {
    return { verified: DoorFlow.webhooks.verify(body, signature, timestamp, secret) };
  } catch (error) {
    return { verified: null, error: error.constructor.name };
  }
}

const server = http.createServer(async (request, response) => {
  let body = '';
  request.setEncoding('utf8');
  for await (const piece of request) body += piece;
  const { signature, timestamp } = request.headers;
  seen = [];
  let status = 200;
  let problem = null;
  try {
    await handler.handle(body, request.headers);
  } catch (error) {
    status = 401;
    problem = error.constructor.name;
  }
  response.writeHead(status).end();
  say({ status, error: problem, events: seen, body, signature, timestamp });
});

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    if (command.verify) {
      say(verified(command.verify));
    } else {
      handler = configured(command);
      say({ secret: true });
    }
  })
  .on('close', () => process.exit(0));
