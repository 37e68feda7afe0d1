// A real OpenID provider, for tests/evidence/oidc_provider.py: node provider.mjs PORT KEYS ALGORITHM
// Its log-in pages are the library's own for development; any password will do.
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [port, keys, alg] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const resources = {
  'urn:spor': { audience: 'spor', accessTokenTTL: 600 },
  'urn:spor:brief': { audience: 'spor', accessTokenTTL: 2 },
  'urn:other': { audience: 'another-service', accessTokenTTL: 600 },
};

const provider = new Provider(issuer, {
  jwks: JSON.parse(readFileSync(keys, 'utf8')),
  cookies: { keys: ['only for the length of a test'] },
  clients: [{
    client_id: 'screen',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    redirect_uris: ['http://127.0.0.1/callback'],
    response_types: ['code'],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: alg,
  }],
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => 'urn:spor',
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        ...resources[resource], scope: 'openid', accessTokenFormat: 'jwt', jwt: { sign: { alg } },
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
