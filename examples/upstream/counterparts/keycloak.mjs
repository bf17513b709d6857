// A certified OpenID provider in Keycloak's places, with the administration that Keycloak documents. It is not Keycloak: what it
// shows is that our calls are where Keycloak takes them, and that tokens of a real provider are judged.

import http from 'node:http'
import { randomUUID } from 'node:crypto'
import { Provider, errors } from 'oidc-provider'
import { code } from '../../journey/pages/totp.mjs'

const CALLS = '/protocol/openid-connect'
const TOTP_SECRET = 'JBSWY3DPEHPK3PXP'

export class Keycloak {
  title = "Keycloak's places, served by oidc-provider"
  lacks = {
    'a sign-up is confirmed with the code of the provider': 'Keycloak confirms by a link of its own',
    'a forgotten password is set with the code of the provider': 'Keycloak takes it on a page of its own',
    'organisations follow the provider': 'Keycloak is asked for none',
  }
  people = new Map()
  mails = []

  async start({ port }) {
    this.issuer = `http://127.0.0.1:${port}/realms/demo`
    this.#provide()
    this.server = http.createServer((request, response) => this.#serve(request, response))
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${port}`
  }

  settings(front) {
    return {
      provider: 'keycloak',
      issuer: this.issuer,
      endpoint: `${front.url}/realms/demo`,
      client_id: 'quoin',
      client_secret: 'quoin-secret',
      password_client_id: 'quoin-password',
      password_client_secret: 'password-secret',
    }
  }

  isRefresh = (call) => call.form.get('grant_type') === 'refresh_token'
  isSignOut = (call) => call.kind.endsWith('/logout') && call.form.has('refresh_token')

  async seed({ email, password, username = email, verified = true, otp = false }) {
    const id = randomUUID()
    this.people.set(id, { id, email, username, emailVerified: verified, enabled: true, password, otp })
    return id
  }

  async disable(email) {
    this.#by(email).enabled = false
  }

  async remove(email) {
    this.people.delete(this.#by(email).id)
  }

  async isEnabled(email) {
    return this.#by(email)?.enabled === true
  }

  async exists(email) {
    return this.#by(email) !== undefined
  }

  async otp() {
    return code(TOTP_SECRET)
  }

  close() {
    this.server?.closeAllConnections()
    this.server?.close()
  }

  #by(name) {
    return [...this.people.values()].find((one) => one.email === name || one.username === name)
  }

  #claims(person) {
    const { id, email, emailVerified, username } = person
    return { sub: id, email, email_verified: emailVerified, preferred_username: username }
  }

  #provide() {
    const client = (client_id, client_secret) => ({
      client_id,
      client_secret,
      redirect_uris: ['http://127.0.0.1:9/cb'],
      grant_types: ['authorization_code', 'refresh_token', 'password'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    })
    this.provider = new Provider(this.issuer, {
      clients: [client('quoin', 'quoin-secret'), client('quoin-password', 'password-secret')],
      cookies: { keys: ['k'] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
      conformIdTokenClaims: false,
      routes: { token: `${CALLS}/token`, jwks: `${CALLS}/certs`, end_session: `${CALLS}/end` },
      rotateRefreshToken: true,
      features: { devInteractions: { enabled: true } },
      findAccount: (_, id) => {
        const person = this.people.get(id)
        return person?.enabled ? { accountId: id, claims: async () => this.#claims(person) } : undefined
      },
    })
    this.provider.registerGrantType('password', (ctx) => this.#grant(ctx), ['username', 'password', 'scope', 'totp'])
  }

  /** The direct grant: one refusal for everything, as Keycloak has it. */
  async #grant(ctx) {
    const { username, password, scope, totp } = ctx.oidc.params
    const { client } = ctx.oidc
    const person = this.#by(username)
    const owesCode = person?.otp && client.clientId === 'quoin'
    if (!person?.enabled || person.password !== password || (owesCode && totp !== code(TOTP_SECRET))) {
      throw new errors.InvalidGrant('Invalid user credentials')
    }
    const grant = new this.provider.Grant({ accountId: person.id, clientId: client.clientId })
    grant.addOIDCScope(scope)
    const common = { accountId: person.id, client, grantId: await grant.save(), scope, gty: 'password', claims: {} }
    const access = new this.provider.AccessToken(common)
    ctx.oidc.entity('AccessToken', access)
    const id = new this.provider.IdToken(this.#claims(person), { ctx })
    id.scope = scope
    ctx.body = {
      access_token: await access.save(),
      expires_in: access.expiration,
      token_type: 'Bearer',
      refresh_token: await new this.provider.RefreshToken(common).save(),
      id_token: await id.issue({ use: 'idtoken' }),
      scope,
    }
  }

  async #serve(request, response) {
    const parts = []
    for await (const part of request) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const answer = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(body === undefined ? undefined : JSON.stringify(body))
    }
    const url = new URL(request.url, this.issuer)
    if (url.pathname.startsWith('/admin/realms/demo/users')) {
      return this.#administer(request, url, text && JSON.parse(text), answer)
    }
    const form = Object.fromEntries(new URLSearchParams(text))
    if (form.grant_type === 'client_credentials') {
      const known = form.client_id === 'quoin' && form.client_secret === 'quoin-secret'
      return known ? answer(200, { access_token: 'administrator', expires_in: 60 }) : answer(401, { error: 'invalid_client' })
    }
    if (url.pathname.endsWith('/logout')) return this.#logout(form, answer)
    request.body = form
    request.originalUrl = request.url
    request.url = request.url.slice('/realms/demo'.length) || '/'
    this.provider.callback()(request, response)
  }

  async #logout(form, answer) {
    const token = await this.provider.RefreshToken.find(form.refresh_token)
    if (!token) return answer(400, { error: 'invalid_grant', error_description: 'Invalid refresh token' })
    await token.destroy()
    return answer(204)
  }

  /** Keycloak Admin REST API, as far as accounts go. */
  #administer(request, url, body, answer) {
    if (request.headers.authorization !== 'Bearer administrator') return answer(401, { error: 'HTTP 401 Unauthorized' })
    const [id, call] = url.pathname.slice('/admin/realms/demo/users'.length).split('/').slice(1)
    if (id === undefined) {
      if (request.method === 'GET') {
        const name = url.searchParams.get('email') ?? url.searchParams.get('username')
        return answer(200, [this.#by(name)].filter(Boolean).map(({ password: _, ...shown }) => shown))
      }
      return this.#make(body, answer)
    }
    const person = this.people.get(id)
    if (!person) return answer(404, { error: 'User not found' })
    if (call === 'reset-password') {
      if (body.value.length < 8) {
        return answer(400, { error: 'invalidPasswordMinLengthMessage', error_description: 'Minimum length 8.' })
      }
      person.password = body.value
      return answer(204)
    }
    if (call === 'send-verify-email' || call === 'execute-actions-email') {
      this.mails.push({ to: person.email, call, body })
      return answer(204)
    }
    if (call === 'logout') return answer(204)
    if (request.method === 'GET') return answer(200, { ...person, password: undefined })
    if (request.method === 'DELETE') this.people.delete(id)
    else Object.assign(person, body)
    return answer(204)
  }

  #make(body, answer) {
    if (this.#by(body.email)) return answer(409, { errorMessage: 'User exists with same email' })
    const id = randomUUID()
    const { credentials, ...person } = body
    this.people.set(id, { ...person, id, password: credentials?.[0]?.value, otp: false })
    return answer(201, undefined, { location: `${this.issuer}/admin/users/${id}` })
  }
}
