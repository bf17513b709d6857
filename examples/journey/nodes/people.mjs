// People whom the team has made, so that nobody waits for a mail.

import { execFileSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { assert, data } from '../lib/expect.mjs'

const PASSWORD = 'a long walk in the rain'
/** How soon what one node takes back must be refused by the other. */
const PATIENCE_MS = 5_000

/** Makes a person whose address counts as proved. */
export async function newPerson(world, name) {
  const wish = { email: world.address(name), password: PASSWORD, email_confirm: true }
  const { user } = data(await world.administrator().auth.admin.createUser(wish))
  return { id: user.id, email: wish.email, password: PASSWORD }
}

/** Signs a person in at one node and returns the session. */
export async function signIn(world, { email, password }) {
  return data(await world.client().auth.signInWithPassword({ email, password })).session
}

/** Lets a person join an organisation, as an import would. */
export function join({ psql: [program, database] }, org, person) {
  const sql = `insert into quoin.tenancy_memberships (org_id, user_id, role, version, created_at)
    values ('${org}', '${person.id}', 'member', 1, now())`
  execFileSync(program, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', database, '-c', sql])
}

/** Asks a node with a token that worked until just now, until it is refused. Returns how that took, as text. */
export async function untilRefused(world, token, path = '/orgs/v1/orgs') {
  const start = performance.now()
  for (;;) {
    const { status, json } = await world.call('GET', path, { token })
    const took = performance.now() - start
    if (status === 401 || status === 403) return `refused with ${status} after ${(took / 1000).toFixed(2)} s`
    assert.equal(status, 200, JSON.stringify(json))
    assert.ok(took < PATIENCE_MS, `still answered after ${took.toFixed()} ms`)
    await pause(10)
  }
}
