// Where the server is, and how clients reach it: the only file that knows URLs and keys.

import { createClient } from '@supabase/supabase-js'
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import WebSocket from 'ws'
import { assert } from './expect.mjs'

const options = {
  url: { type: 'string', default: 'http://127.0.0.1:8080' },
  'publishable-key': { type: 'string', default: process.env.QUOIN_PUBLISHABLE_KEY },
  'secret-key': { type: 'string', default: process.env.QUOIN_SECRET_KEY },
  'data-url': { type: 'string' },
  'payments-url': { type: 'string' },
  'stripe-url': { type: 'string' },
  'stop-identity': { type: 'string' },
  'store-url': { type: 'string' },
  unverified: { type: 'string', default: 'refuse' },
  chromium: { type: 'string' },
  screenshots: { type: 'string', default: 'screenshots' },
  help: { type: 'boolean', default: false },
}

export const USAGE = `usage: node journey.mjs --url http://127.0.0.1:8080 --publishable-key quoin_pub_… --secret-key quoin_sec_…

  --data-url URL            a second process that serves /rest/v1 (started with --only data)
  --payments-url URL        a third process that serves /payments/v1 (started with --only payments)
  --stripe-url URL          the Stripe twin that it speaks with; by default the server's own
  --stop-identity PID       at the end, kill the identity process and see that the others close
  --store-url URL           the object store, where the server keeps files elsewhere
  --unverified restricted   the server runs with identity.unverified = "restricted"
  --chromium PATH           confirm in this browser; without it the page's form is read and posted
  --screenshots FOLDER      where the browser's pictures go`

/** Reads the command line. */
export function readWorld() {
  const { values } = parseArgs({ options })
  if (values.help || !values['publishable-key'] || !values['secret-key']) return null
  return new World(values)
}

/** One running Quoin, in one process or three. */
export class World {
  constructor(values) {
    this.url = values.url.replace(/\/$/, '')
    this.dataUrl = values['data-url']?.replace(/\/$/, '') ?? this.url
    this.paymentsUrl = values['payments-url']?.replace(/\/$/, '') ?? this.url
    this.stripeUrl = values['stripe-url']?.replace(/\/$/, '') ?? this.url
    this.publishableKey = values['publishable-key']
    this.secretKey = values['secret-key']
    this.identityProcess = values['stop-identity'] && Number(values['stop-identity'])
    this.storeUrl = values['store-url'] ?? this.url
    this.restricted = values.unverified === 'restricted'
    this.chromium = values.chromium
    this.screenshots = values.screenshots
    // Names that no earlier journey on this server has used.
    this.run = randomBytes(4).toString('hex')
    this.plan = `pro-${this.run}`
  }

  address(name) {
    return `${name}-${this.run}@journey.example`
  }

  /** Sends a call to the process whose room it belongs to. */
  fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const target = new URL(url.pathname + url.search, this.processOf(url.pathname))
    return fetch(input instanceof Request ? new Request(target, input) : target, init)
  }

  processOf(path) {
    if (path.startsWith('/payments/')) return this.paymentsUrl
    const isData = path.startsWith('/rest/') || path.startsWith('/admin/v1/migrations')
    return isData ? this.dataUrl : this.url
  }

  /** A client as an application makes it; each holds a session of its own. */
  client(key = this.publishableKey, auth = {}) {
    return createClient(this.url, key, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false, ...auth },
      global: { fetch: this.fetch },
      realtime: { transport: WebSocket },
    })
  }

  /** The client of the team behind the product. */
  administrator() {
    return this.client(this.secretKey)
  }

  /** Calls a path with a bearer token, for what the client library has no method for. */
  async call(method, path, { token = this.secretKey, body, base = this.url } = {}) {
    const headers = { authorization: `Bearer ${token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const send = base === this.url ? this.fetch : fetch
    const answer = await send(base + path, { method, headers, body: body && JSON.stringify(body) })
    const text = await answer.text()
    const json = answer.headers.get('content-type')?.includes('json') && text ? JSON.parse(text) : text
    return { status: answer.status, json }
  }

  /** Like `call`, but anything other than the expected status ends the step. */
  async ask(method, path, expected, options) {
    const { status, json } = await this.call(method, path, options)
    assert.equal(status, expected, `${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json
  }
}
