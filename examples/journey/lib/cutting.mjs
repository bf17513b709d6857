// Resumable uploads over a connection that breaks: a proxy in between ends it at random points.

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { DefaultHttpStack, Upload } from 'tus-js-client'

/** Writes a file of random bytes and answers the SHA-256 of what it holds. */
export async function randomFile(path, bytes) {
  const file = await open(path, 'w')
  const hash = createHash('sha256')
  for (let left = bytes; left > 0; left -= 1 << 20) {
    const piece = randomBytes(Math.min(left, 1 << 20))
    hash.update(piece)
    await file.write(piece)
  }
  await file.close()
  return hash.digest('hex')
}

/** Hashes what a response brings, a piece at a time. */
export async function hashOf(response) {
  const hash = createHash('sha256')
  for await (const piece of response.body) hash.update(piece)
  return hash.digest('hex')
}

/** Stands before a server and ends a connection each time a random part of `bytes` has passed, `cuts` times in all. */
async function cuttingProxy(target, bytes, cuts) {
  const points = Array.from({ length: cuts }, () => Math.random() * bytes).sort((a, b) => a - b)
  const state = { passed: 0, cut: 0 }
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    client.on('data', (piece) => {
      state.passed += piece.length
      upstream.write(piece) || (client.pause(), upstream.once('drain', () => client.resume()))
      if (state.cut < points.length && state.passed >= points[state.cut]) {
        state.cut += 1
        end()
      }
    })
    upstream.on('data', (piece) => client.write(piece))
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { state, port: server.address().port, close: () => server.close() }
}

/** Sends every request through the proxy, whatever address the server names. */
class ThroughProxy extends DefaultHttpStack {
  constructor(port) {
    super({})
    this.port = port
  }

  createRequest(method, address) {
    const url = new URL(address)
    url.port = String(this.port)
    return super.createRequest(method, url.toString())
  }
}

/** Uploads a file as tus-js-client does, the connection cut again and again; answers how often it was. */
export async function uploadWithCuts({ url, token, path, bytes, cuts, bucket, name }) {
  const target = new URL(url)
  const proxy = await cuttingProxy(target, bytes, cuts)
  try {
    await new Promise((resolve, reject) => {
      const upload = new Upload(createReadStream(path), {
        endpoint: `${url}/storage/v1/upload/resumable`,
        httpStack: new ThroughProxy(proxy.port),
        headers: { authorization: `Bearer ${token}` },
        metadata: { bucketName: bucket, objectName: name, contentType: 'application/octet-stream', cacheControl: '3600' },
        uploadSize: bytes,
        retryDelays: Array.from({ length: 50 }, () => 20),
        onError: reject,
        onSuccess: resolve,
      })
      upload.start()
    })
  } finally {
    proxy.close()
  }
  return proxy.state.cut
}
