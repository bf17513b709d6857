#!/usr/bin/env node
// Uploads one large file over a connection that is cut again and again, and reads it back.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hashOf, randomFile, uploadWithCuts } from './lib/cutting.mjs'
import { assert } from './lib/expect.mjs'
import { failed, finish, name, step } from './lib/steps.mjs'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    'secret-key': { type: 'string', default: process.env.QUOIN_SECRET_KEY },
    mebibytes: { type: 'string', default: '1024' },
    cuts: { type: 'string', default: '100' },
  },
})
name('resumable')
const bytes = Number(values.mebibytes) * 1024 * 1024
const headers = { authorization: `Bearer ${values['secret-key']}` }
const folder = await mkdtemp(join(tmpdir(), 'quoin-resumable-'))
try {
  const path = join(folder, 'large')
  const bucket = `large-${Date.now()}`
  const made = await fetch(`${values.url}/storage/v1/bucket`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ id: bucket, name: bucket }),
  })
  assert.equal(made.status, 200)
  const sent = await randomFile(path, bytes)
  await step(`${values.mebibytes} MiB arrive over ${values.cuts} broken connections`, async (say) => {
    const began = Date.now()
    const cuts = Number(values.cuts)
    const token = values['secret-key']
    const cut = await uploadWithCuts({ url: values.url, token, path, bytes, cuts, bucket, name: 'large' })
    assert.equal(cut, cuts)
    say(`${((Date.now() - began) / 1000).toFixed(1)} s`)
  })
  await step('and are the same bytes', async () => {
    const answer = await fetch(`${values.url}/storage/v1/object/${bucket}/large`, { headers })
    assert.equal(answer.headers.get('content-length'), String(bytes))
    assert.equal(await hashOf(answer), sent)
  })
} catch (error) {
  failed()
  console.error(`\n${error.stack}`)
} finally {
  await rm(folder, { recursive: true })
}
process.exit(finish())
