#!/usr/bin/env node
// Measures whether answers tell known addresses from unknown ones: by their bytes, or by the time they take.
//
// Reading order: doors.mjs (what is asked), measure.mjs (how), statistics.mjs (what counts as a difference).

import { parseArgs } from 'node:util'
import { failed, finish, name } from '../lib/steps.mjs'
import { World } from '../lib/world.mjs'
import { doorsOf, KINDS } from './doors.mjs'
import { compare } from './measure.mjs'

const text = { type: 'string' }
const options = {
  url: text,
  'publishable-key': text,
  'secret-key': text,
  pairs: { type: 'string', default: '100' },
  // Each kind of known address on its own, instead of all of them mixed.
  'each-kind': { type: 'boolean', default: false },
}
const { values } = parseArgs({ options })
const pairs = Number(values.pairs)
if (!values.url || !values['secret-key'] || !(pairs >= 20)) {
  console.error('usage: node equality/equality.mjs --url URL --publishable-key … --secret-key … [--pairs 1000] [--each-kind]')
  process.exit(2)
}

name('equality')
const world = new World(values)
try {
  const groups = values['each-kind'] ? KINDS.map((kind) => [kind]) : [KINDS]
  for (const door of await doorsOf(world)) {
    for (const kinds of groups) await compare(world, door, kinds, pairs)
  }
} catch (error) {
  failed()
  console.error(`\n${error.stack}`)
}
process.exit(finish())
