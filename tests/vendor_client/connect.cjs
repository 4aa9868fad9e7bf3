// Goes through the OAuth flow with the vendor's own DoorFlowAuth, as a program on somebody's machine would.
//
// In, as one JSON object on the first line of stdin:
//   {base_url, client_id, client_secret (null: public), use_pkce, scopes}
// It serves a callback on 127.0.0.1 and prints one JSON object a line: first {url}, to be opened in a browser. Once the
// browser has come back: {error} if access was denied, else what came of each step, in this order:
//   {connected: {scope, expires_in}}, {roles}, {info}, {refreshed: {changed, roles}}, {parallel: {tokens, roles}},
//   {disconnected: {authenticated, statuses}}: what the API says to each access token it ever had.
// Exits with 1 and the error on stderr if anything fails.
'use strict';

const http = require('node:http');
const readline = require('node:readline');
const { Configuration, DoorFlowAuth, OauthApi, RolesApi } = require('doorflow');

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function firstLine() {
  const lines = readline.createInterface({ input: process.stdin });
  return new Promise((resolve) => lines.once('line', (line) => { lines.close(); resolve(line); }));
}

// What the browser's request to the callback says; it gets a page.
function callback(server) {
  return new Promise((resolve) => {
    server.on('request', (request, response) => {
      const url = new URL(request.url, 'http://127.0.0.1');
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>Back</title><h1>Back at the program</h1>');
      if (url.pathname === '/callback') resolve(url.searchParams);
    });
  });
}

async function main() {
  const line = await firstLine();
  const order = JSON.parse(line);
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const seen = [];
  let kept = null;
  const storage = {
    save: async (tokens) => { kept = tokens; seen.push(tokens.accessToken); },
    load: async () => kept,
    clear: async () => { kept = null; },
  };
  const auth = new DoorFlowAuth({
    clientId: order.client_id,
    clientSecret: order.client_secret ?? undefined,
    redirectUri: `http://127.0.0.1:${server.address().port}/callback`,
    scopes: order.scopes,
    basePath: order.base_url,
    storage,
  });
  const { url } = await auth.getAuthorizationUrl({ usePKCE: order.use_pkce });
  const back = callback(server);
  say({ url });
  const answer = await back;
  server.close();
  server.closeAllConnections();
  if (answer.get('error')) {
    say({ error: answer.get('error') });
    return;
  }
  await auth.handleCallback(answer.get('code'), answer.get('state'));
  const count = async () => (await new RolesApi(auth.getConfiguration()).listRoles()).length;
  say({ connected: { scope: kept.scope, expires_in: kept.expiresAt - Math.floor(Date.now() / 1000) } });
  say({ roles: await count() });
  say({ info: await new OauthApi(auth.getConfiguration()).getTokenInfo() });

  // The client refreshes by itself what is about to expire.
  const before = kept.accessToken;
  kept = { ...kept, expiresAt: 0 };
  say({ refreshed: { roles: await count(), changed: kept.accessToken !== before } });

  // It does so without a lock: two calls at the same time send the same refresh token.
  kept = { ...kept, expiresAt: 0 };
  const had = seen.length;
  const roles = await Promise.all([count(), count()]);
  say({ parallel: { roles, tokens: seen.length - had } });

  await auth.disconnect();
  const statuses = await Promise.all(
    seen.map((token) => new RolesApi(
      new Configuration({ basePath: order.base_url, accessToken: `Bearer ${token}` }),
    ).listRolesRaw().then((raw) => raw.raw.status, (error) => error.response.status)),
  );
  say({ disconnected: { authenticated: await auth.isAuthenticated(), statuses } });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
