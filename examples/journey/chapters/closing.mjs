// Sessions end: by signing out, by a ban, and for everybody when nobody can say who is who.

import { setTimeout as pause } from 'node:timers/promises'
import { assert, data, refused } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { claimsOf, sessionOf } from './people.mjs'

/** Signs out of other sessions, then of this one; each token stops on the next request. */
export async function signOut(world, ada) {
  chapter('Signing out')
  const elsewhere = world.client()
  await step("signOut({ scope: 'others' }) ends the other sessions only", async () => {
    const { session } = data(await elsewhere.auth.signInWithPassword(credentials(ada)))
    data(await ada.client.auth.signOut({ scope: 'others' }))
    await stopped(world, session.access_token)
    data(await ada.client.auth.getUser())
  })
  await step('signOut ends this one: the token stops on the next request', async () => {
    const { access_token, refresh_token } = await sessionOf(ada)
    data(await ada.client.auth.signOut())
    await stopped(world, access_token)
    const again = await world.client().auth.refreshSession({ refresh_token })
    assert.ok(again.error, 'the refresh token is dead too')
  })
}

/** Bans a person and lifts the ban. */
export async function ban(world, ada) {
  chapter('A ban')
  const admin = world.administrator().auth.admin
  const client = world.client()
  const token = await step('the person signs in once more', async () => {
    const { session } = data(await client.auth.signInWithPassword(credentials(ada)))
    data(await client.from('posts').select('id'))
    return session.access_token
  })
  await step("banned: the person's token stops on the next request", async () => {
    data(await admin.updateUserById(ada.id, { ban_duration: '24h' }))
    await stopped(world, token)
    refused(await client.auth.signInWithPassword(credentials(ada)), 400, 'user_banned')
  })
  await step('the audit trail tells of it', async (say) => {
    const { data: entries } = await world.ask('GET', '/admin/v1/audit?limit=50', 200)
    const entry = entries.find((one) => one.action.includes('ban') && JSON.stringify(one).includes(ada.id))
    assert.ok(entry, JSON.stringify(entries[0]))
    say(entry.action)
  })
  await step('the ban lifted, the person signs in again', async () => {
    data(await admin.updateUserById(ada.id, { ban_duration: 'none' }))
    const { session } = data(await client.auth.signInWithPassword(credentials(ada)))
    assert.equal(claimsOf(session).org_id, ada.org)
    ada.client = client
  })
}

/** Kills the identity process: the others must close within five seconds. */
export async function stopIdentity(world, ada) {
  chapter('Nobody can say who is who')
  const { access_token: token } = await sessionOf(ada)
  await step('with identity gone, data answers 503 within five seconds, rather than open', async (say) => {
    await world.ask('GET', '/rest/v1/posts?select=id', 200, { token, base: world.dataUrl })
    process.kill(world.identityProcess, 'SIGKILL')
    const start = Date.now()
    let status = 200
    while (status !== 503 && Date.now() - start < 5_000) {
      await pause(50)
      status = (await world.call('GET', '/rest/v1/posts?select=id', { token, base: world.dataUrl })).status
    }
    assert.equal(status, 503)
    say(`after ${((Date.now() - start) / 1000).toFixed(1)} s`)
  })
  await step('and stays closed', async () => {
    await pause(500)
    await world.ask('GET', '/rest/v1/posts?select=id', 503, { token, base: world.dataUrl })
  })
  await step('so does payments; what Stripe says is still kept', async () => {
    await world.ask('GET', '/payments/v1/subscriptions', 503, { token, base: world.paymentsUrl })
    const { status } = await world.call('POST', '/payments/v1/webhooks/stripe', { base: world.paymentsUrl, body: {} })
    assert.equal(status, 400, 'an unsigned event is refused, not unheard')
  })
}

/** In one process a revocation holds before its answer; elsewhere within five seconds. */
async function stopped(world, token) {
  const { status: here } = await world.call('GET', '/auth/v1/user', { token })
  assert.ok(here === 401 || here === 403, `identity still answers ${here}`)
  const patience = world.dataUrl === world.url ? 0 : 5_000
  const start = Date.now()
  let status
  do {
    status = (await world.call('GET', '/rest/v1/posts?select=id', { token })).status
    if (status === 401 || status === 403) return
    await pause(50)
  } while (Date.now() - start < patience)
  assert.fail(`data still answers ${status}`)
}

function credentials({ email, password }) {
  return { email, password }
}
