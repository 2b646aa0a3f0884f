// An OpenID Connect provider for this machine alone: whoever gives a name is signed in as that name. Settings come from the environment:
// PORT, ISSUER (default http://127.0.0.1:PORT), CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS and LOGOUT_URIS (separated by spaces), AUDIENCE.
// With the audience as `resource` it gives access tokens for the API, to the client `${CLIENT_ID}-program` also without a person.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const { PORT, CLIENT_ID, CLIENT_SECRET, REDIRECT_URIS, LOGOUT_URIS, AUDIENCE } = process.env;
const issuer = process.env.ISSUER ?? `http://127.0.0.1:${PORT}`;
const scopes = 'stagings:write stagings:read credits:read webhooks:write webhooks:read';

const key = (type, options, alg) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${randomUUID()}`,
});

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: REDIRECT_URIS.split(' '),
      post_logout_redirect_uris: LOGOUT_URIS.split(' '),
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      client_id: `${CLIENT_ID}-program`,
      client_secret: CLIENT_SECRET,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_post',
    },
  ],
  jwks: { keys: [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')] },
  cookies: { keys: [randomUUID()] },
  pkce: { required: () => true },
  ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  // Our own client needs nobody's consent.
  async loadExistingGrant(ctx) {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid');
    grant.addResourceScope(AUDIENCE, scopes);
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => page(ctx, 'Sign out?', `${form}<button form="op.logoutForm" type="submit" name="logout" value="yes" autofocus>Sign out</button>`),
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo() {
        return {
          scope: scopes, audience: AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  },
});
provider.on('server_error', (_, error) => console.error(error));

function page(ctx, title, content) {
  ctx.type = 'html';
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>body{font:16px system-ui;max-width:22rem;margin:20vh auto;padding:0 1rem}input,button{font:inherit;padding:.6rem;width:100%;box-sizing:border-box;margin:.3rem 0}</style>
<h1>${title}</h1>${content}`;
}

provider.use(async (ctx, next) => {
  const [, uid] = /^\/sign-in\/([\w-]+)$/.exec(ctx.path) ?? [];
  if (!uid) return next();
  if (ctx.method === 'GET') {
    return page(ctx, 'Sign in', '<p>A provider for this machine alone: any name will do.</p><form method="post"><input name="name" aria-label="Name" required autofocus autocomplete="off"><button>Sign in</button></form>');
  }
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  if (form.has('deny')) return provider.interactionFinished(ctx.req, ctx.res, { error: 'access_denied' });
  ctx.respond = false;
  return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: form.get('name') } }, { mergeWithLastSubmission: false });
});

createServer(provider.callback()).listen(Number(PORT), '127.0.0.1', () => console.log(`${issuer} is ready`));
