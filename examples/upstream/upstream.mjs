#!/usr/bin/env node
// One conformance suite for every provider that can keep people: each counterpart keeps them for a Quoin of its own, and the same
// cases are driven through the unmodified client library.
//
// Reading order: counterparts/ (who keeps people), front.mjs (what stands between), cases/ (what must hold), world.mjs (Quoin).

import { parseArgs } from 'node:util'
import { Auth0 } from './counterparts/auth0.mjs'
import { CognitoLocal, Moto } from './counterparts/cognito.mjs'
import { Keycloak } from './counterparts/keycloak.mjs'
import { administration } from './cases/administration.mjs'
import { attacks } from './cases/attacks.mjs'
import { factors } from './cases/factors.mjs'
import { organizations } from './cases/organizations.mjs'
import { people } from './cases/people.mjs'
import { refreshes } from './cases/refreshes.mjs'
import { Front } from './front.mjs'
import { Report, finish } from './report.mjs'
import { World, freePort, until } from './world.mjs'

const text = { type: 'string' }
const names = ['quoin', 'folder', 'publishable-key', 'secret-key', 'python', 'only', 'database-url', 'modules']
const { values } = parseArgs({ options: { ...Object.fromEntries(names.map((name) => [name, text])), long: { type: 'boolean' } } })
const peers = { keycloak: new Keycloak(), 'cognito-local': new CognitoLocal(), moto: new Moto(), auth0: new Auth0() }
const modules = values.modules ?? new URL('node_modules', import.meta.url).pathname

const chosen = Object.entries(peers).filter(([name]) => !values.only || values.only === name)
const reports = await Promise.all(chosen.map(([name, peer]) => run(name, peer)))
for (const report of reports) report.print()
process.exit(finish())

async function run(name, peer) {
  const lacks = { ...peer.lacks }
  if (!values.long && name !== 'keycloak') {
    lacks['a provider that hangs is waited for no longer than it may be'] = 'waited for once, with the first counterpart; all with --long'
  }
  const report = new Report(peer.title, lacks)
  const folder = `${values.folder}/${name}`
  const world = new World({
    program: values.quoin,
    folder: `${folder}/quoin`,
    publishableKey: values['publishable-key'],
    secretKey: values['secret-key'],
    databaseUrl: values['database-url'] && `${values['database-url']}_${name.replace('-', '_')}`,
  })
  peer.until = until
  let front
  try {
    const target = await peer.start({ port: await freePort(), folder: `${folder}/peer`, modules, python: values.python })
    front = new Front(target)
    front.corrects = peer.corrects
    await front.listen(await freePort())
    await world.open(peer.settings(front))
    for (const cases of [people, factors, refreshes, administration, organizations, attacks]) {
      await cases(report, world, peer, front)
    }
  } catch (error) {
    report.broken(error)
  } finally {
    world.close()
    front?.close()
    peer.close()
  }
  return report
}
