// Stands between Quoin and a provider: counts what is asked, fails on demand, and can put other words into ID tokens.

import http from 'node:http'
import https from 'node:https'
import { claims, jwk, signed } from './jose.mjs'

export class Front {
  /** How the next answers fail: `500`, `garbage`, `hang`, or not at all. */
  mode = null
  /** Changes the claims of every ID token, or makes another token of them. */
  rewrite = null
  /** Says what the provider would have said and its counterpart leaves out. */
  corrects = null
  /** Every call that came: method, path, and what JSON or form it carried. */
  calls = []

  constructor(target) {
    this.target = new URL(target)
  }

  async listen(port) {
    this.server = http.createServer((request, response) => {
      this.#serve(request, response).catch((error) => {
        response.statusCode = 502
        response.end(String(error))
      })
    })
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${port}`
  }

  /** Counts the calls of which `matches` is true. */
  count(matches) {
    return this.calls.filter(matches).length
  }

  async #serve(request, response) {
    const body = await read(request)
    const kind = request.headers['x-amz-target'] ?? `${request.method} ${request.url.split('?')[0]}`
    this.calls.push({ kind, body: body.toString(), form: new URLSearchParams(body.toString()) })
    // Keys are read while everything is well, as they are kept for an hour.
    const mode = this.mode
    if (mode === 'hang') return
    if (mode === '500') return void response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Oops</h1>')
    if (mode === 'garbage') return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"id_tok')
    const answer = await this.#forward(request, body)
    response.writeHead(answer.status, answer.headers).end(this.#changed(answer.body))
  }

  #forward(request, body) {
    const module = this.target.protocol === 'https:' ? https : http
    const headers = { ...request.headers, host: this.target.host }
    const options = { method: request.method, headers, rejectUnauthorized: false }
    return new Promise((resolve, reject) => {
      const forwarded = module.request(new URL(request.url, this.target), options, async (answer) => {
        const { 'transfer-encoding': _, 'content-length': __, connection: ___, ...rest } = answer.headers
        resolve({ status: answer.statusCode, headers: rest, body: await read(answer) })
      })
      forwarded.on('error', reject)
      forwarded.end(body)
    })
  }

  #changed(body) {
    let json
    try {
      json = JSON.parse(body.toString())
    } catch {
      return body
    }
    if (Array.isArray(json?.keys)) return JSON.stringify({ keys: [...json.keys, jwk] })
    const holder = json?.AuthenticationResult ?? json
    const name = holder?.IdToken ? 'IdToken' : 'id_token'
    const rewrite = this.rewrite ?? ((said) => said)
    if (!(this.rewrite || this.corrects) || !holder?.[name]) return body
    const { at_hash: _, ...said } = claims(holder[name])
    const changed = rewrite(this.corrects?.(said) ?? said)
    holder[name] = typeof changed === 'string' ? changed : signed(changed)
    return JSON.stringify(json)
  }

  close() {
    this.server.closeAllConnections()
    this.server.close()
  }
}

async function read(stream) {
  const parts = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
