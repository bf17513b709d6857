// The same sign-up where identity.unverified = "restricted": the session comes at once, the proof later.

import { assert, data } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { claimsOf, confirm, verificationMail } from './people.mjs'

/** Signs a person up into a session, confirms the address, and refreshes into a verified token. */
export async function signUp(world, app) {
  chapter('A person signs up (restricted)')
  const email = world.address('ada')
  const password = 'a long walk in the rain'
  const client = world.client()
  const ada = await step('signUp answers with a session at once', async () => {
    const options = { emailRedirectTo: app.url, data: { name: 'Ada' } }
    const { session, user } = data(await client.auth.signUp({ email, password, options }))
    assert.ok(session, 'a session')
    const claims = claimsOf(session)
    assert.equal(claims.email_verified, false)
    assert.equal(claims.org_role, 'owner')
    return { client, email, password, id: user.id, org: claims.org_id }
  })
  await step('getUser works unverified', async () => {
    assert.equal(data(await client.auth.getUser()).user.email, email)
  })
  const mail = await verificationMail(world, email)
  await confirm(world, app, email, mail.links[0])
  await step('after confirming, the token says email_verified', async () => {
    const { session } = data(await client.auth.signInWithPassword({ email, password }))
    assert.equal(claimsOf(session).email_verified, true)
  })
  return ada
}
