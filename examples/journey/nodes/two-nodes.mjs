#!/usr/bin/env node
// Drives two whole Quoins on one PostgreSQL database: what one takes back the other soon refuses, and what both could
// do is done once, also when one of them is killed in the middle of it.
//
// Reading order: revocations.mjs, sessions.mjs, work.mjs.

import { parseArgs } from 'node:util'
import { failed, finish, name } from '../lib/steps.mjs'
import { World } from '../lib/world.mjs'
import { takeBack } from './revocations.mjs'
import { refreshOnBoth, reuseAfterDeath, spendBeforeDeath } from './sessions.mjs'
import { serveMail } from './smtp.mjs'
import { killOne, shareWork, stopOne } from './work.mjs'

const text = { type: 'string' }
const options = {
  url: text,
  'second-url': text,
  'kill-first': text,
  'stop-second': text,
  'publishable-key': text,
  'secret-key': text,
  'smtp-port': text,
  psql: text,
  database: text,
}
const { values } = parseArgs({ options })
const missing = Object.keys(options).filter((option) => !values[option])
if (missing.length > 0) {
  console.error(`usage: node nodes/two-nodes.mjs; missing: ${missing.map((option) => `--${option}`).join(' ')}`)
  process.exit(2)
}

name('nodes')
const first = new World(values)
const second = new World({ ...values, url: values['second-url'] })
second.run = first.run
const mail = await serveMail(Number(values['smtp-port']))
const [firstProcess, secondProcess] = [values['kill-first'], values['stop-second']].map(Number)
const nodes = { first, second, mail, firstProcess, secondProcess, psql: [values.psql, values.database] }
try {
  await takeBack(nodes)
  await refreshOnBoth(nodes)
  await shareWork(nodes)
  const spent = await spendBeforeDeath(nodes)
  await killOne(nodes)
  await reuseAfterDeath(nodes, spent)
  await stopOne(nodes)
} catch (error) {
  failed()
  console.error(`\n${error.stack}`)
} finally {
  mail.close()
}
process.exit(finish())
