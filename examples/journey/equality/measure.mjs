// Pairs of calls, one with a known address and one with an unknown one, in random order.

import { createHash, randomBytes, randomInt } from 'node:crypto'
import { Agent, request } from 'node:http'
import { assert } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { makeKnown } from './doors.mjs'
import { median, mediansMs, pairsAccuracy, thresholdAccuracy, tolerance } from './statistics.mjs'

const WARM_UP = 12
/** How many connections ask at a time; the answers wait for their moments anyway. */
const LANES = 4

/** Knocks at one door with addresses of some kinds, and compares. */
export async function compare(world, door, kinds, pairs) {
  const label = `${door.name}, ${kinds.length > 1 ? 'all kinds of known addresses' : `known as ${kinds[0]}`}`
  chapter(label)
  const addresses = await prepare(world, kinds, pairs + WARM_UP)
  const [known, unknown] = [[], []]
  await step(`${pairs} pairs of answers are alike, byte for byte`, async () => {
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      for (let i = lane; i < addresses.length; i += LANES) {
        const answers = await knockTwice(world, door, addresses[i], agent)
        if (i < WARM_UP) continue
        known.push(answers.known.ms)
        unknown.push(answers.unknown.ms)
      }
      agent.destroy()
    })
    await Promise.all(lanes)
  })
  await step('they take the same time', (say) => {
    const [here, there] = [median(known), median(unknown)]
    const guesses = [thresholdAccuracy(known, unknown), pairsAccuracy(known, unknown)]
    const [byTime, byPair] = guesses.map((guess) => `${(guess * 100).toFixed(1)} %`)
    const found = `medians ${here.toFixed(2)} and ${there.toFixed(2)} ms, guessed right ${byTime} of answers, ${byPair} of pairs`
    assert.ok(Math.abs(here - there) <= mediansMs(pairs), found)
    assert.ok(guesses[0] <= tolerance(pairs), found)
    assert.ok(guesses[1] <= tolerance(pairs / 2), found)
    say(found)
  })
}

/**
 * Makes pairs of addresses, of which one is known. Both have the same length, and hashes that begin alike: answers about
 * an address leave at moments drawn from its hash, so whoever wants to see a difference compares two with the same.
 */
async function prepare(world, kinds, count) {
  const run = randomBytes(3).toString('hex')
  const draw = () => world.address(`${run}-${randomBytes(5).toString('hex')}`)
  const pairs = Array.from({ length: count }, (_, i) => {
    const known = draw()
    let unknown = draw()
    while (firstByte(unknown) !== firstByte(known)) unknown = draw()
    return { known, unknown, kind: kinds[i % kinds.length] }
  })
  for (let i = 0; i < count; i += LANES) {
    await Promise.all(pairs.slice(i, i + LANES).map((pair) => makeKnown(world, pair.known, pair.kind)))
  }
  return pairs
}

function firstByte(text) {
  return createHash('sha256').update(text).digest()[0]
}

/** Asks about both addresses of a pair, in random order, and compares what is answered. */
async function knockTwice(world, door, pair, agent) {
  const answers = {}
  for (const which of randomInt(2) ? ['known', 'unknown'] : ['unknown', 'known']) {
    answers[which] = await knock(world, door, pair[which], agent)
  }
  const { shape } = answers.known
  assert.deepEqual(shape, answers.unknown.shape)
  assert.ok(shape.status < 500 && shape.status !== 429, shape.body)
  return answers
}

function knock(world, door, email, agent) {
  const body = JSON.stringify(door.body(email))
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    const call = request(world.url + door.path, { method: 'POST', headers, agent }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => {
        const ms = Number(process.hrtime.bigint() - start) / 1e6
        resolve({ ms, shape: shapeOf(answer, Buffer.concat(chunks).toString(), email) })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** What two answers must have in common: everything but ids, moments and the address itself. */
function shapeOf(answer, body, email) {
  const { date: _, 'x-request-id': __, ...headers } = answer.headers
  const id = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g
  const moment = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
  const shown = body.replaceAll(id, 'ID').replaceAll(moment, 'MOMENT').replaceAll(email, 'ADDRESS')
  return { status: answer.statusCode, headers, length: body.length, body: shown }
}
