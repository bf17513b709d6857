// A colleague is invited by mail, joins, gets a role, and loses everything on the next request.

import { assert, data, titles } from '../lib/expect.mjs'
import { mailCount, newMail, openManyTimes } from '../lib/mailbox.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { claimsOf, newPerson, sessionOf } from './people.mjs'

/** Invites a colleague to an organisation of Ada's, works with them, and removes them. */
export async function inviteAndRemove(world, app, ada) {
  chapter('A colleague')
  const bob = await newPerson(world, app, 'bob')
  const token = (await sessionOf(ada)).access_token
  const org = await world.ask('POST', '/orgs/v1/orgs', 201, { token, body: { name: 'Difference Engines' } })
  const path = `/orgs/v1/orgs/${org.id}`
  await invite(world, app, bob, { token, path })
  await step('switching to it, the colleague writes rows there and sees no other ones', async () => {
    const tokens = await world.ask('POST', `${path}/switch`, 200, { token: (await sessionOf(bob)).access_token })
    data(await bob.client.auth.setSession(tokens))
    assert.equal(claimsOf(tokens).org_role, 'member')
    data(await bob.client.from('posts').insert({ title: 'from a colleague' }))
    titles(data(await bob.client.from('posts').select('title')), ['from a colleague'])
  })
  await changeRole(world, bob, { token, path })
  await step('removed, the colleague is refused on the next request and finds nothing after a refresh', async () => {
    const { access_token: before } = await sessionOf(bob)
    await world.ask('DELETE', `${path}/members/${bob.id}`, 204, { token })
    await world.ask('GET', '/orgs/v1/orgs', 401, { token: before })
    const { session } = data(await bob.client.auth.refreshSession())
    assert.notEqual(claimsOf(session).org_id, org.id)
    await world.ask('GET', path, 404, { token: session.access_token })
    titles(data(await bob.client.from('posts').select('title')), [])
  })
}

async function invite(world, app, bob, { token, path }) {
  const seen = await mailCount(world, bob.email)
  const link = await step('an invitation arrives by mail, for known and unknown addresses alike', async (say) => {
    const ask = (email) => ({ token, body: { email, role: 'member', redirect_to: app.url } })
    const known = await world.ask('POST', `${path}/invitations`, 201, ask(bob.email))
    const unknown = await world.ask('POST', `${path}/invitations`, 201, ask(world.address('nobody-yet')))
    assert.deepEqual(Object.keys(known), Object.keys(unknown))
    assert.deepEqual([known.status, known.role], [unknown.status, unknown.role])
    const mail = await newMail(world, bob.email, seen)
    assert.ok(mail.links[0].startsWith(`${world.url}/orgs/v1/invitations/accept`), mail.links[0])
    say(mail.subject)
    return mail.links[0]
  })
  await step('opening its link twenty times accepts nothing; the page leads to the application', async () => {
    await openManyTimes(link)
    const page = (await (await fetch(link)).text()).replaceAll('&#x2f;', '/')
    assert.ok(page.includes('Difference Engines') && page.includes(app.url) && !page.includes('<form'))
    const { data: members } = await world.ask('GET', `${path}/members`, 200, { token })
    assert.equal(members.length, 1)
  })
  await step('only the invited person accepts it, and once', async () => {
    const body = { token: new URL(link).searchParams.get('token') }
    const accept = '/orgs/v1/invitations/accept'
    const other = await world.ask('POST', accept, 403, { token, body })
    assert.equal(other.code, 'invitation_for_other_address')
    const { access_token: bobs } = await sessionOf(bob)
    const joined = await world.ask('POST', accept, 200, { token: bobs, body })
    assert.deepEqual([joined.name, joined.role], ['Difference Engines', 'member'])
    await world.ask('POST', accept, 403, { token: bobs, body })
  })
}

async function changeRole(world, bob, { token, path }) {
  await step('a role of the organisation’s own holds from the next request on', async () => {
    const { access_token: before } = await sessionOf(bob)
    await world.ask('PATCH', path, 403, { token: before, body: { name: 'Bob & Co.' } })
    const role = { description: 'Names things', permissions: ['settings.manage'] }
    await world.ask('PUT', `${path}/roles/namer`, 200, { token, body: role })
    await world.ask('PATCH', `${path}/members/${bob.id}`, 200, { token, body: { role: 'namer' } })
    await world.ask('GET', '/orgs/v1/orgs', 401, { token: before })
    const { session } = data(await bob.client.auth.refreshSession())
    assert.equal(claimsOf(session).org_role, 'namer')
    await world.ask('PATCH', path, 200, { token: session.access_token, body: { name: 'Bob & Co.' } })
    await world.ask('GET', `${path}/audit`, 403, { token: session.access_token })
  })
}
