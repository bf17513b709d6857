// Sessions go on only while the provider upholds them.

import { assert, data, refused } from '../../journey/lib/expect.mjs'
import { PASSWORD } from './people.mjs'

export async function refreshes(report, world, peer, front) {
  let number = 0
  const person = async () => {
    const email = `eve${(number += 1)}@example.com`
    await peer.seed({ email, password: PASSWORD })
    const client = world.client()
    const { session } = data(await client.auth.signInWithPassword({ email, password: PASSWORD }))
    return { email, client, session }
  }
  const isOver = async (session) => {
    const answer = await world.refresh(session.refresh_token)
    assert.equal(answer.status, 400, JSON.stringify(answer.body))
    assert.equal(answer.body.code, 'refresh_token_not_found')
    const token = session.access_token
    assert.equal((await world.call('GET', '/auth/v1/user', { token })).status, 403, 'its access token has ended too')
  }

  await report.case('a refresh asks the provider, and the session goes on', async () => {
    const { client, session } = await person()
    const before = front.count(peer.isRefresh)
    const first = data(await client.auth.refreshSession(session)).session
    const second = data(await client.auth.refreshSession(first)).session
    assert.equal(second.user.id, session.user.id)
    assert.equal(front.count(peer.isRefresh), before + 2)
  })

  await report.case('fifty refreshes at once ask the provider once and have one child', async () => {
    const { session } = await person()
    const before = front.count(peer.isRefresh)
    const answers = await Promise.all(Array.from({ length: 50 }, () => world.refresh(session.refresh_token)))
    const children = new Set(answers.map((answer) => answer.body.refresh_token))
    assert.deepEqual(answers.map((answer) => answer.status).filter((status) => status !== 200), [])
    assert.equal(children.size, 1)
    assert.equal(front.count(peer.isRefresh), before + 1)
  })

  await report.case('somebody disabled at the provider loses the session at the next refresh', async () => {
    const { email, client, session } = await person()
    await peer.disable(email)
    await isOver(session)
    refused(await client.auth.signInWithPassword({ email, password: PASSWORD }), 400, 'invalid_credentials')
  })

  await report.case('somebody erased at the provider loses the session at the next refresh', async () => {
    const { email, client, session } = await person()
    await peer.remove(email)
    await isOver(session)
    refused(await client.auth.signInWithPassword({ email, password: PASSWORD }), 400, 'invalid_credentials')
  })

  await report.case('a provider that fails ends nothing and opens nothing', async () => {
    const { email, session } = await person()
    for (const mode of ['500', 'garbage']) {
      front.mode = mode
      const answer = await world.refresh(session.refresh_token)
      const body = { email, password: PASSWORD }
      const signIn = await world.call('POST', '/auth/v1/token?grant_type=password', { body })
      front.mode = null
      assert.deepEqual([answer.status, answer.body.code], [503, 'provider_unreachable'], mode)
      assert.deepEqual([signIn.status, signIn.body.code], [503, 'provider_unreachable'], mode)
    }
    assert.equal((await world.refresh(session.refresh_token)).status, 200)
  })

  await report.case('a provider that hangs is waited for no longer than it may be', async () => {
    const { session } = await person()
    front.mode = 'hang'
    const begun = Date.now()
    const answer = await world.refresh(session.refresh_token)
    front.mode = null
    assert.equal(answer.status, 503)
    assert.ok(Date.now() - begun < 15_000)
    assert.equal((await world.refresh(session.refresh_token)).status, 200)
  })
}
