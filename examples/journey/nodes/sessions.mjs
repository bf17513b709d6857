// A refresh token has one child, however many nodes are asked.

import { assert } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { newPerson, signIn, untilRefused } from './people.mjs'

/** Refreshes at both nodes, then uses a spent token from elsewhere. */
export async function refreshOnBoth({ first, second }) {
  chapter('Refresh tokens on two nodes')
  const eve = await newPerson(first, 'eve')
  await step('fifty uses of one token by one client, at both nodes at once, give one child', async () => {
    const { refresh_token: token } = await signIn(first, eve)
    const uses = Array.from({ length: 50 }, (_, i) => refresh(i % 2 ? first : second, token))
    const answers = await Promise.all(uses)
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    assert.equal(new Set(answers.map(({ json }) => json.refresh_token)).size, 1)
  })
  await step('fifty uses by fifty clients, at both nodes at once: one child at most, and the family ends', async (say) => {
    const { refresh_token: token } = await signIn(first, eve)
    const uses = Array.from({ length: 50 }, (_, i) => refresh(i % 2 ? first : second, token, `client ${i}`))
    const answers = await Promise.all(uses)
    const children = answers.filter(({ status }) => status === 200)
    assert.ok(children.length <= 1, `${children.length} children`)
    for (const { json } of children) {
      assert.equal((await refresh(second, json.refresh_token)).status, 400, 'the child is dead')
      say(await untilRefused(second, json.access_token))
    }
  })
  await step('a token spent at one node is a reuse at the other: the newest child dies too', async (say) => {
    const session = await signIn(first, eve)
    const child = await refresh(second, session.refresh_token)
    assert.equal(child.status, 200)
    const reuse = await refresh(first, session.refresh_token, 'somebody else')
    assert.equal(reuse.status, 400)
    assert.equal(reuse.json.code, 'refresh_token_already_used')
    say(await untilRefused(second, child.json.access_token))
    assert.equal((await refresh(second, child.json.refresh_token)).status, 400)
  })
}

async function refresh(world, token, agent = 'one client') {
  const answer = await fetch(`${world.url}/auth/v1/token?grant_type=refresh_token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': agent },
    body: JSON.stringify({ refresh_token: token }),
  })
  return { status: answer.status, json: await answer.json() }
}
