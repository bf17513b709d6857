// A Quoin whose people are kept by a counterpart, and the client library that is pointed at it.

import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createClient } from '@supabase/supabase-js'
import WebSocket from 'ws'

/** Finds a port of this machine that nobody listens at. */
export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Tells whether nobody listens at a port. */
export function isFree(port) {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Asks again until something holds. */
export async function until(holds, what, milliseconds = 10_000) {
  const end = Date.now() + milliseconds
  for (;;) {
    const found = await holds()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Starts a program that ends with us, and keeps what it says. */
export async function start(command, { folder, env = {}, cwd = folder }) {
  await mkdir(folder, { recursive: true })
  const log = createWriteStream(`${folder}/log`)
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.pipe(log)
  child.stderr.pipe(log)
  return child
}

export class World {
  constructor(options) {
    Object.assign(this, options)
  }

  /** Starts Quoin with these settings of `[identity.upstream]`. */
  async open(upstream, more = {}) {
    const port = await freePort()
    this.url = `http://127.0.0.1:${port}`
    const env = {
      QUOIN_LISTEN: `127.0.0.1:${port}`,
      QUOIN_DATA_DIR: `${this.folder}/data`,
      QUOIN_PUBLISHABLE_KEY: this.publishableKey,
      QUOIN_SECRET_KEY: this.secretKey,
      QUOIN_OUTBOUND_NETWORKS: '127.0.0.0/8',
      QUOIN_IDENTITY_MAILS_PER_IP: '1000',
      QUOIN_IDENTITY_MAILS_PER_ADDRESS: '1000',
      QUOIN_IDENTITY_FAILURES_PER_IP: '1000',
      ...more,
    }
    if (this.databaseUrl) env.QUOIN_DATABASE_URL = this.databaseUrl
    for (const [name, value] of Object.entries(upstream)) env[`QUOIN_IDENTITY_UPSTREAM_${name.toUpperCase()}`] = value
    this.quoin = await start([this.program, 'serve'], { folder: this.folder, env })
    await until(() => fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false), 'Quoin', 20_000)
  }

  /** Makes a client without a session of anybody else's. */
  client(key = this.publishableKey) {
    return createClient(this.url, key, {
      auth: { persistSession: false, autoRefreshToken: false },
      // Node 20 brings none, and the client wants one although nothing here listens to it.
      realtime: { transport: WebSocket },
    })
  }

  admin() {
    return this.client(this.secretKey).auth.admin
  }

  /** Calls Quoin without the client library. */
  async call(method, path, { body, token } = {}) {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token ?? this.publishableKey}` }
    const answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) })
    const text = await answer.text()
    return { status: answer.status, body: text ? JSON.parse(text) : null }
  }

  refresh(token) {
    return this.call('POST', '/auth/v1/token?grant_type=refresh_token', { body: { refresh_token: token } })
  }

  close() {
    this.quoin?.kill('SIGKILL')
  }
}
