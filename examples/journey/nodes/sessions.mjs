// A refresh token has one child, however many nodes are asked.

import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { newPerson, signIn, untilRefused } from './people.mjs'

/** The same client may use a token again for so long; a little more here. */
const GRACE_MS = 10_500

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
  await step('once its grace is over, a parent is a reuse for its own client too, and the newest descendant dies on both', async (say) => {
    const { parent, newest } = await threeGenerations({ first, second }, eve)
    await pause(GRACE_MS)
    const reuse = await refresh(second, parent)
    assert.equal(reuse.json.code, 'refresh_token_already_used')
    say(`${await untilRefused(first, newest.access_token)}, ${await untilRefused(second, newest.access_token)}`)
    assert.equal((await refresh(first, newest.refresh_token)).status, 400)
  })
}

/** Has the first node, which is about to die, spend tokens, and gives what the other will be asked with. */
export async function spendBeforeDeath(nodes) {
  const fay = await newPerson(nodes.first, 'fay')
  return { ...(await threeGenerations(nodes, fay)), spentAt: performance.now() }
}

/** Uses a token at the node that is left which the dead one had spent. */
export async function reuseAfterDeath({ second }, { parent, newest, spentAt }) {
  chapter('Refresh tokens of a node that is dead')
  await step('a parent that it had spent is a reuse at the other, and the newest descendant dies', async (say) => {
    await pause(Math.max(0, spentAt + GRACE_MS - performance.now()))
    assert.equal((await second.call('GET', '/orgs/v1/orgs', { token: newest.access_token })).status, 200)
    assert.equal((await refresh(second, parent)).json.code, 'refresh_token_already_used')
    say(await untilRefused(second, newest.access_token))
    assert.equal((await refresh(second, newest.refresh_token)).status, 400)
  })
}

/** Signs in, and refreshes at the second node and then at the first. */
async function threeGenerations({ first, second }, person) {
  const session = await signIn(first, person)
  const child = await refresh(second, session.refresh_token)
  const grandchild = await refresh(first, child.json.refresh_token)
  assert.equal(grandchild.status, 200)
  return { parent: child.json.refresh_token, newest: grandchild.json }
}

async function refresh(world, token, agent = 'one client') {
  const answer = await fetch(`${world.url}/auth/v1/token?grant_type=refresh_token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': agent },
    body: JSON.stringify({ refresh_token: token }),
  })
  return { status: answer.status, json: await answer.json() }
}
