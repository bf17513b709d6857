// A certified OpenID provider, run in this process: whoever comes is whoever they say.

import { Provider } from 'oidc-provider'

/**
 * Serves a provider at a port of this machine, with one client: Quoin.
 * `claims` says what it attests of an account; some providers leave `email_verified` out.
 */
export async function serveProvider({ port, secret, redirectUri, claims }) {
  const issuer = `http://127.0.0.1:${port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'quoin', client_secret: secret, redirect_uris: [redirectUri], response_types: ['code'] }],
    cookies: { keys: [secret] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // In the ID token rather than at userinfo alone.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true } },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 60, IdToken: 60 },
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...claims(id) }) }),
  })
  const server = provider.listen(port, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return { issuer, close: () => server.close() }
}
