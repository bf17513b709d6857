// The Auth0 simulator makes and signs the tokens; around it stand the calls that it has not (the password-realm grant, MFA, database
// connections, the Management API), as Auth0 documents them.

import http from 'node:http'
import https from 'node:https'
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { randomUUID } from 'node:crypto'
import { code } from '../../journey/pages/totp.mjs'
import { isFree } from '../world.mjs'

const TOTP_SECRET = 'JBSWY3DPEHPK3PXP'
const CONNECTION = 'Username-Password-Authentication'
const GRANT = 'http://auth0.com/oauth/grant-type'

/** Finds a port below 10000: the simulator takes no other. */
async function lowPort() {
  for (;;) {
    const port = 4400 + Math.floor(Math.random() * 5000)
    if (await isFree(port)) return port
  }
}

export class Auth0 {
  title = 'Auth0, by its simulator'
  lacks = {
    'a sign-up is confirmed with the code of the provider': 'Auth0 confirms by a link of its own',
    'a forgotten password is set with the code of the provider': 'Auth0 takes it on a page of its own',
  }
  people = new Map()
  sessions = new Map()
  challenges = new Map()
  mails = []

  async start({ port, folder }) {
    const simulated = await this.#simulate(folder)
    this.simulator = `https://localhost:${simulated}`
    this.issuer = `${this.simulator}/`
    this.server = http.createServer((request, response) => this.#serve(request, response))
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    return `http://127.0.0.1:${port}`
  }

  /** Starts the simulator. It reads its certificate from the home directory. */
  async #simulate(folder) {
    const certificates = `${folder}/.simulacrum/certs`
    mkdirSync(certificates, { recursive: true })
    const files = ['-keyout', `${certificates}/localhost-key.pem`, '-out', `${certificates}/localhost.pem`]
    const how = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', ...files]
    execFileSync('openssl', how, { stdio: 'ignore' })
    process.env.HOME = folder
    // Its module for ECMAScript cannot sign.
    const { simulation } = createRequire(import.meta.url)('@simulacrum/auth0-simulator')
    const port = await lowPort()
    const options = { port, clientID: 'quoin', audience: 'https://api.local/', scope: 'openid profile email offline_access' }
    const nobody = { id: 'auth0|nobody', name: 'Nobody', email: 'nobody@example.com', password: randomUUID() }
    const extendRouter = (_, store) => (this.store = store)
    const app = simulation({ initialState: { users: [nobody] }, options, extend: { extendRouter } })
    this.listening = await app.listen(port, '127.0.0.1')
    return port
  }

  settings(front) {
    return {
      provider: 'auth0',
      domain: 'quoin.eu.auth0.com',
      issuer: this.issuer,
      endpoint: front.url,
      client_id: 'quoin',
      client_secret: 'quoin-secret',
    }
  }

  isRefresh = (call) => call.kind.endsWith('/oauth/token') && call.body.includes('"refresh_token"')
  isSignOut = (call) => call.kind.endsWith('/oauth/revoke')

  async seed({ email, password, username, verified = true, otp = false, organizations = [] }) {
    const id = `auth0|${randomUUID().replaceAll('-', '').slice(0, 24)}`
    const person = { user_id: id, email, username, email_verified: verified, blocked: false, password, otp, organizations }
    this.people.set(id, { ...person, identities: [{ connection: CONNECTION }] })
    this.#simulatePerson(id)
    return id
  }

  person(email) {
    return [...this.people.values()].find((one) => one.email === email || one.username === email)
  }

  /** Knows an account by a subject that only the front's tokens name. */
  async alias(subject) {
    this.people.set(subject, { user_id: subject, identities: [], organizations: [], blocked: false })
  }

  async disable(email) {
    this.person(email).blocked = true
  }

  async remove(email) {
    this.people.delete(this.person(email).user_id)
  }

  async isEnabled(email) {
    return this.person(email)?.blocked === false
  }

  async exists(email) {
    return this.person(email) !== undefined
  }

  async otp() {
    return code(TOTP_SECRET)
  }

  close() {
    this.server?.closeAllConnections()
    this.server?.close()
    this.listening?.ensureClose?.()
  }

  /** Tells the simulator of an account, so that it can make tokens for it. */
  #simulatePerson(id) {
    const { email, password } = this.people.get(id)
    const { store, schema, actions } = this.store
    const user = { id, name: email, email, password, picture: 'https://example.com/a.png' }
    const update = [schema.users.add({ [id]: user })]
    store.dispatch(actions.batchUpdater(update))
  }

  async #serve(request, response) {
    const parts = []
    for await (const part of request) parts.push(part)
    const text = Buffer.concat(parts).toString()
    const url = new URL(request.url, this.issuer)
    const isForm = request.headers['content-type']?.includes('urlencoded')
    const body = isForm ? Object.fromEntries(new URLSearchParams(text)) : text ? JSON.parse(text) : {}
    const [status, answer] = await this.#answer(request, url, body)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(answer === undefined ? undefined : JSON.stringify(answer))
  }

  #answer(request, url, body) {
    const call = `${request.method} ${url.pathname}`
    if (call === 'POST /oauth/token') return this.#token(body)
    if (call === 'POST /oauth/revoke') return this.#revoke(body)
    if (call === 'GET /mfa/authenticators') return this.#authenticators(request)
    if (call === 'POST /mfa/challenge') return [200, { challenge_type: 'otp' }]
    if (call === 'POST /dbconnections/signup') return this.#signUp(body)
    if (call === 'POST /dbconnections/change_password') {
      this.mails.push({ to: body.email })
      return [200, "We've just sent you an email to reset your password."]
    }
    if (url.pathname.startsWith('/api/v2/')) return this.#manage(request, url, body)
    return this.#simulated('GET', url.pathname)
  }

  async #token(body) {
    if (body.client_secret !== 'quoin-secret') return [401, { error: 'access_denied', error_description: 'Unauthorized' }]
    if (body.grant_type === 'client_credentials') return [200, { access_token: 'administrator', expires_in: 86400 }]
    if (body.grant_type === 'refresh_token') return this.#refresh(body.refresh_token)
    if (body.grant_type === `${GRANT}/mfa-otp`) {
      const person = this.challenges.get(body.mfa_token)
      if (!person) return [403, { error: 'expired_token', error_description: 'mfa_token is expired' }]
      if (body.otp !== (await this.otp())) return [403, { error: 'invalid_grant', error_description: 'Invalid otp_code.' }]
      this.challenges.delete(body.mfa_token)
      return this.#tokens(person)
    }
    const person = this.person(body.username)
    if (body.realm !== CONNECTION || person?.password !== body.password) {
      return [403, { error: 'invalid_grant', error_description: 'Wrong email or password.' }]
    }
    if (person.blocked) return [401, { error: 'unauthorized', error_description: 'user is blocked' }]
    if (person.otp) {
      const mfa_token = randomUUID()
      this.challenges.set(mfa_token, person)
      return [403, { error: 'mfa_required', error_description: 'Multifactor authentication required', mfa_token }]
    }
    return this.#tokens(person)
  }

  /** The simulator signs; refresh tokens rotate here, because its own need a nonce. */
  async #tokens(person) {
    const { email: username, password } = person
    const [status, tokens] = await this.#simulated('POST', '/oauth/token', { grant_type: 'password', client_id: 'quoin', username, password })
    if (status !== 200) return [status, tokens]
    const refresh_token = randomUUID()
    this.sessions.set(refresh_token, person.user_id)
    return [200, { ...tokens, refresh_token, token_type: 'Bearer', expires_in: 86400 }]
  }

  #refresh(token) {
    const person = this.people.get(this.sessions.get(token))
    this.sessions.delete(token)
    if (!person) return [403, { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' }]
    if (person.blocked) return [401, { error: 'unauthorized', error_description: 'user is blocked' }]
    return this.#tokens(person)
  }

  #revoke(body) {
    this.sessions.delete(body.token)
    return [200, {}]
  }

  #authenticators(request) {
    const person = this.challenges.get(request.headers.authorization?.replace('Bearer ', ''))
    if (!person) return [403, { error: 'access_denied' }]
    return [200, [{ id: 'totp|dev_1', authenticator_type: 'otp', active: true }]]
  }

  async #signUp({ email, password, connection }) {
    if (this.person(email)) return [400, { code: 'invalid_signup', description: 'Invalid sign up' }]
    if (password.length < 8) return [400, { code: 'invalid_password', policy: '* At least 8 characters in length' }]
    if (connection !== CONNECTION) return [400, { code: 'bad_connection' }]
    const id = await this.seed({ email, password, verified: false })
    return [200, { _id: id.replace('auth0|', ''), email, email_verified: false }]
  }

  #manage(request, url, body) {
    if (request.headers.authorization !== 'Bearer administrator') return [401, { message: 'Invalid token' }]
    const [kind, id, call] = url.pathname.slice('/api/v2/'.length).split('/').map(decodeURIComponent)
    const shown = (person) => ({ ...person, password: undefined })
    if (kind === 'users-by-email') return [200, [this.person(url.searchParams.get('email'))].filter(Boolean).map(shown)]
    if (kind === 'jobs') {
      this.mails.push({ to: this.people.get(body.user_id)?.email })
      return [201, { type: 'verification_email' }]
    }
    if (id === undefined && request.method === 'POST') return this.#make(body)
    if (id === undefined) {
      const name = url.searchParams.get('q')?.match(/username:"(.*)"/)?.[1]
      return [200, [this.person(name)].filter(Boolean).map(shown)]
    }
    if (request.method === 'DELETE') {
      this.people.delete(id)
      return [204]
    }
    const person = this.people.get(id)
    if (!person) return [404, { message: 'The user does not exist.' }]
    if (call === 'organizations') return [200, person.organizations]
    if (request.method === 'PATCH') {
      Object.assign(person, body)
      this.#simulatePerson(id)
    }
    return [200, shown(person)]
  }

  async #make({ email, password, email_verified }) {
    if (this.person(email)) return [409, { message: 'The user already exists.' }]
    const id = await this.seed({ email, password, verified: email_verified })
    return [201, { user_id: id, email, email_verified }]
  }

  #simulated(method, path, body) {
    const options = { method, rejectUnauthorized: false, headers: { 'content-type': 'application/json' } }
    return new Promise((resolve, reject) => {
      const request = https.request(this.simulator + path, options, async (answer) => {
        const parts = []
        for await (const part of answer) parts.push(part)
        const text = Buffer.concat(parts).toString()
        let json = text
        try {
          json = JSON.parse(text)
        } catch {
          // Some of its refusals are plain text.
        }
        resolve([answer.statusCode, json])
      })
      request.on('error', reject)
      request.end(body && JSON.stringify(body))
    })
  }
}
