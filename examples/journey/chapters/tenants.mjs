// Organisations: a stranger sees nothing, and whoever has two sees the rows of one at a time.

import { assert, data, refused, titles } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { claimsOf, newPerson, sessionOf } from './people.mjs'

/** Lets a stranger, and nobody at all, try everything. */
export async function keepStrangersOut(world, app, ada) {
  chapter('A stranger of another organisation')
  const eve = await step('signs up and has an organisation of her own', async () => {
    const person = await newPerson(world, app, 'eve')
    assert.notEqual(person.org, ada.org)
    return person
  })
  const hers = () => eve.client.from('posts')
  await step('sees nothing', async () => {
    titles(data(await hers().select('title')), [])
    assert.equal((await hers().select('*', { count: 'exact', head: true })).count, 0)
  })
  await step('changes and deletes nothing', async () => {
    titles(data(await hers().update({ likes: 666 }).gte('likes', 0).select()), [])
    titles(data(await hers().delete().gte('likes', 0).select()), [])
    const rows = data(await ada.client.from('posts').select('likes'))
    assert.equal(rows.length, 4)
    assert.ok(rows.every((row) => row.likes !== 666))
  })
  await step("inserts nothing into another's organisation, and cannot upsert over its rows", async () => {
    refused(await hers().insert({ title: 'mine now', org_id: ada.org }), 403, '42501')
    const [row] = data(await ada.client.from('posts').select('id').limit(1))
    const over = await hers().upsert({ id: row.id, title: 'taken' })
    assert.ok(over.error, 'the upsert is refused')
  })
  await step("reads nothing of another's organisation", async () => {
    const token = (await sessionOf(eve)).access_token
    await world.ask('GET', `/orgs/v1/orgs/${ada.org}`, 404, { token })
    await world.ask('GET', `/orgs/v1/orgs/${ada.org}/members`, 404, { token })
    await world.ask('POST', `/orgs/v1/orgs/${ada.org}/switch`, 404, { token })
  })
  await step('nobody at all sees nothing either', async () => {
    const answer = await world.client().from('posts').select('title')
    assert.deepEqual(answer.data ?? [], [])
  })
  return eve
}

/** Makes a second organisation, switches to it and back. */
export async function switchOrganisation(world, ada) {
  chapter('A second organisation')
  const personal = await sessionOf(ada)
  const org = await step('POST /orgs/v1/orgs makes one, the caller its owner', async (say) => {
    const made = await world.ask('POST', '/orgs/v1/orgs', 201, {
      token: personal.access_token,
      body: { name: 'Analytical Engines' },
    })
    const { data: mine } = await world.ask('GET', '/orgs/v1/orgs', 200, { token: personal.access_token })
    assert.deepEqual(new Set(mine.map((one) => one.id)), new Set([ada.org, made.id]))
    say(made.name)
    return made
  })
  const other = { client: world.client() }
  await step('switching answers with tokens of that organisation', async () => {
    const tokens = await switchTo(world, personal.access_token, org.id)
    assert.equal(claimsOf(tokens).org_id, org.id)
    assert.equal(claimsOf(tokens).org_role, 'owner')
    data(await other.client.auth.setSession(tokens))
  })
  await step('switching the organisation switches the rows', async () => {
    titles(data(await other.client.from('posts').select('title')), [])
    const row = data(await other.client.from('posts').insert({ title: 'first' }).select().single())
    assert.equal(row.org_id, org.id)
    titles(data(await other.client.from('posts').select('title')), ['first'])
  })
  await step('a refresh keeps it', async () => {
    const { session } = data(await other.client.auth.refreshSession())
    assert.equal(claimsOf(session).org_id, org.id)
  })
  await step('switching back brings the old rows back', async () => {
    const tokens = await switchTo(world, (await sessionOf(other)).access_token, ada.org)
    data(await ada.client.auth.setSession(tokens))
    assert.equal(data(await ada.client.from('posts').select('title')).length, 4)
  })
}

async function switchTo(world, token, orgId) {
  return world.ask('POST', `/orgs/v1/orgs/${orgId}/switch`, 200, { token })
}
