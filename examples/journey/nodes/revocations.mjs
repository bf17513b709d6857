// What the first node takes back, the second refuses within five seconds.

import { assert, data } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { join, newPerson, signIn, untilRefused } from './people.mjs'

/** Takes back sessions, a key, a membership and an organisation. */
export async function takeBack(nodes) {
  const { first, second } = nodes
  chapter('What one node takes back')
  const ada = await newPerson(first, 'ada')
  await step('a token of one node opens the other', async () => {
    const { access_token: token } = await signIn(first, ada)
    await second.ask('GET', '/auth/v1/user', 200, { token })
  })
  await step('a ban', async (say) => {
    const { access_token: token } = await signIn(second, ada)
    await second.ask('GET', '/auth/v1/user', 200, { token })
    data(await first.administrator().auth.admin.updateUserById(ada.id, { ban_duration: '24h' }))
    say(await untilRefused(second, token))
    data(await first.administrator().auth.admin.updateUserById(ada.id, { ban_duration: 'none' }))
  })
  await step('a sign-out elsewhere', async (say) => {
    const [here, there] = [await signIn(first, ada), await signIn(second, ada)]
    await second.ask('GET', '/auth/v1/user', 200, { token: there.access_token })
    await first.ask('POST', '/auth/v1/logout?scope=others', 204, { token: here.access_token })
    say(await untilRefused(second, there.access_token))
    await second.ask('GET', '/auth/v1/user', 200, { token: here.access_token })
  })
  await takeBackKey(nodes)
  await takeBackMembership(nodes, ada)
}

async function takeBackKey({ first, second }) {
  await step('an API key', async (say) => {
    const wish = { name: 'lent', scopes: ['users'] }
    const { id, key } = await first.ask('POST', '/admin/v1/keys', 201, { body: wish })
    await second.ask('GET', '/auth/v1/admin/users', 200, { token: key })
    await first.ask('DELETE', `/admin/v1/keys/${id}`, 204)
    say(await untilRefused(second, key, '/auth/v1/admin/users'))
  })
}

async function takeBackMembership(nodes, ada) {
  const { first, second } = nodes
  const bob = await newPerson(first, 'bob')
  const { access_token: owner } = await signIn(first, ada)
  const org = await first.ask('POST', '/orgs/v1/orgs', 201, { token: owner, body: { name: 'Engines' } })
  const path = `/orgs/v1/orgs/${org.id}`
  join(nodes, org.id, bob)
  const switched = async () => {
    const { access_token: token } = await signIn(second, bob)
    const there = await second.ask('POST', `${path}/switch`, 200, { token })
    await second.ask('GET', path, 200, { token: there.access_token })
    return there.access_token
  }
  await step('a role', async (say) => {
    const token = await switched()
    await first.ask('PATCH', `${path}/members/${bob.id}`, 200, { token: owner, body: { role: 'admin' } })
    say(await untilRefused(second, token))
    await first.ask('PATCH', `${path}/members/${bob.id}`, 200, { token: owner, body: { role: 'member' } })
  })
  await step('a membership', async (say) => {
    const token = await switched()
    await first.ask('DELETE', `${path}/members/${bob.id}`, 204, { token: owner })
    say(await untilRefused(second, token))
    const { access_token: fresh } = await signIn(second, bob)
    await second.ask('GET', path, 404, { token: fresh })
  })
  await step('a whole organisation', async (say) => {
    const there = await second.ask('POST', `${path}/switch`, 200, { token: owner })
    await first.ask('DELETE', path, 204, { token: owner })
    say(await untilRefused(second, there.access_token))
    const { data: mine } = await second.ask('GET', '/orgs/v1/orgs', 200, { token: (await signIn(second, ada)).access_token })
    assert.ok(mine.every((one) => one.id !== org.id))
  })
}
