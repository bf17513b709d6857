// A person signs up, confirms by mail, signs in, changes what is theirs, and forgets the password.

import { confirmInBrowser } from '../lib/browser.mjs'
import { assert, data, refused } from '../lib/expect.mjs'
import { fragmentOf, mailCount, newMail, openManyTimes, pressButton } from '../lib/mailbox.mjs'
import { chapter, step } from '../lib/steps.mjs'

const PASSWORD = 'a long walk in the rain'

/** Signs a person up, confirms the address in a browser where there is one, and signs in. */
export async function signUp(world, app) {
  chapter('A person signs up')
  const email = world.address('ada')
  const client = world.client()
  await step('signUp answers without a session', async () => {
    const options = { emailRedirectTo: app.url, data: { name: 'Ada' } }
    const answer = data(await client.auth.signUp({ email, password: PASSWORD, options }))
    assert.equal(answer.session, null)
    assert.equal(answer.user.email, email)
  })
  const mail = await verificationMail(world, email)
  await step('a correct password says email_not_confirmed, a wrong one invalid_credentials', async () => {
    refused(await client.auth.signInWithPassword({ email, password: PASSWORD }), 400, 'email_not_confirmed')
    refused(await client.auth.signInWithPassword({ email, password: 'not this one' }), 400, 'invalid_credentials')
  })
  await confirm(world, app, email, mail.links[0])
  await step('the link is spent', async () => {
    const again = await pressSpent(mail.links[0])
    assert.match(again, /otp_expired|it has been used/)
  })
  return step('signInWithPassword', async (say) => {
    const { session, user } = data(await client.auth.signInWithPassword({ email, password: PASSWORD }))
    assert.equal(user.user_metadata.name, 'Ada')
    say(`${session.token_type}, ${session.expires_in} s`)
    return { client, email, password: PASSWORD, id: user.id, org: claimsOf(session).org_id }
  })
}

/** Waits for the mail of a sign-up, and opens its link as mail scanners do. */
export async function verificationMail(world, email) {
  const mail = await step('the verification mail arrives in the development mailbox', async (say) => {
    const found = await newMail(world, email)
    assert.equal(found.to, email)
    assert.ok(found.links[0].startsWith(`${world.url}/auth/v1/verify`), `the action link comes first: ${found.links}`)
    assert.ok(found.text.includes(found.links[0]) && found.html.includes('<a '), 'text and HTML')
    say(found.subject)
    return found
  })
  await step('opening its link twenty times confirms nothing', async () => {
    await openManyTimes(mail.links[0])
    const people = data(await world.administrator().auth.admin.listUsers())
    const person = people.users.find((user) => user.email === email)
    assert.ok(!person.email_confirmed_at, 'still unconfirmed')
  })
  return mail
}

/** Presses the button of the confirmation page and lands in the application, signed in. */
export async function confirm(world, app, email, link) {
  if (world.chromium) {
    await step('Chromium presses the button and lands in the application, signed in', async (say) => {
      const landed = await confirmInBrowser(world, link)
      assert.deepEqual(landed.complaints, [])
      assert.ok(landed.url.startsWith(app.url), landed.url)
      assert.equal(landed.text, `Signed in as ${email}`)
      say(`pictures in ${world.screenshots}`)
    })
    return
  }
  await step('its button confirms and leads to the application with tokens in the fragment', async () => {
    const answer = await pressButton(link)
    assert.equal(answer.status, 303, answer.text)
    assert.ok(answer.location.startsWith(app.url), answer.location)
    const tokens = fragmentOf(answer.location)
    assert.equal(tokens.token_type, 'bearer')
    const session = data(await world.client().auth.setSession(tokens))
    assert.equal(session.user.email, email)
  })
}

/** Uses every call that a signed-in person has for themselves. */
export async function useTheSession(world, app, ada) {
  chapter('The session')
  await step('the first token carries the personal organisation', async (say) => {
    const claims = claimsOf(await sessionOf(ada))
    assert.equal(claims.org_role, 'owner')
    assert.match(claims.org_id, /^[0-9a-f-]{36}$/)
    say(claims.org_id)
  })
  await step('getUser', async () => {
    const { user } = data(await ada.client.auth.getUser())
    assert.equal(user.email, ada.email)
    assert.equal(user.aud, 'authenticated')
  })
  await step('getClaims checks the signature against the published keys', async (say) => {
    const { claims, header } = data(await ada.client.auth.getClaims())
    assert.equal(header.alg, 'ES256')
    assert.equal(claims.sub, ada.id)
    assert.equal(claims.email, ada.email)
    const keys = await world.ask('GET', '/auth/v1/.well-known/jwks.json', 200)
    assert.ok(keys.keys.some((key) => key.kid === header.kid && !('d' in key)))
    say(header.alg)
  })
  await step('refreshSession rotates both tokens and keeps the organisation', async () => {
    const before = await sessionOf(ada)
    const { session } = data(await ada.client.auth.refreshSession())
    assert.notEqual(session.refresh_token, before.refresh_token)
    assert.equal(claimsOf(session).org_id, ada.org)
    assert.equal(claimsOf(session).session_id, claimsOf(before).session_id)
  })
  await step('updateUser changes the metadata, and the next token carries it', async () => {
    data(await ada.client.auth.updateUser({ data: { name: 'Ada Lovelace' } }))
    const { session } = data(await ada.client.auth.refreshSession())
    assert.equal(claimsOf(session).user_metadata.name, 'Ada Lovelace')
  })
  await step('app_metadata is the server\'s alone', async () => {
    const token = (await sessionOf(ada)).access_token
    await world.call('PUT', '/auth/v1/user', { token, body: { app_metadata: { admin: true } } })
    const { user } = data(await ada.client.auth.getUser())
    assert.equal(user.app_metadata.admin, undefined)
  })
}

/** Resets a password by mail. */
export async function resetPassword(world, app, ada) {
  chapter('A forgotten password')
  const seen = await mailCount(world, ada.email)
  const mail = await step('resetPasswordForEmail sends a mail', async (say) => {
    data(await world.client().auth.resetPasswordForEmail(ada.email, { redirectTo: app.url }))
    const found = await newMail(world, ada.email, seen)
    say(found.subject)
    return found
  })
  await step('for an unknown address it answers just the same', async () => {
    data(await world.client().auth.resetPasswordForEmail(world.address('nobody'), { redirectTo: app.url }))
  })
  const client = world.client()
  await step('its page opens a session of type recovery', async () => {
    const answer = await pressButton(mail.links[0])
    assert.equal(answer.status, 303, answer.text)
    const tokens = fragmentOf(answer.location)
    assert.equal(tokens.type, 'recovery')
    data(await client.auth.setSession(tokens))
  })
  ada.password = 'another walk in the sun'
  await step('updateUser sets the new password', async () => {
    data(await client.auth.updateUser({ password: ada.password }))
  })
  await step('the old password is dead, the new one signs in', async () => {
    const fresh = world.client()
    refused(await fresh.auth.signInWithPassword({ email: ada.email, password: PASSWORD }), 400, 'invalid_credentials')
    data(await fresh.auth.signInWithPassword({ email: ada.email, password: ada.password }))
    ada.client = fresh
  })
}

/** Signs a further person up and confirms them, without a line for each step. */
export async function newPerson(world, app, name) {
  const email = world.address(name)
  const client = world.client()
  data(await client.auth.signUp({ email, password: PASSWORD, options: { emailRedirectTo: app.url } }))
  const { links } = await newMail(world, email)
  await pressButton(links[0])
  const { session, user } = data(await client.auth.signInWithPassword({ email, password: PASSWORD }))
  return { client, email, password: PASSWORD, id: user.id, org: claimsOf(session).org_id }
}

/** Returns the session that a person's client holds. */
export async function sessionOf(person) {
  return data(await person.client.auth.getSession()).session
}

/** Reads a token's claims without checking it. */
export function claimsOf(session) {
  return JSON.parse(Buffer.from(session.access_token.split('.')[1], 'base64url').toString())
}

async function pressSpent(link) {
  const page = await fetch(link, { redirect: 'manual' })
  if (page.status !== 200) return `${page.headers.get('location') ?? ''} ${await page.text()}`
  const html = await page.text()
  if (!html.includes('<form')) return html
  const answer = await pressButton(link)
  assert.ok(!answer.location?.includes('access_token'), 'no second session')
  return `${answer.location ?? ''} ${answer.text}`
}
