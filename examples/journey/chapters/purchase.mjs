// A plan is made, bought on the hosted page, and ends; with everything that goes wrong on the way.

import { assert, data } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'
import { chaos, pay, payInBrowser, stripe, submit, until } from '../lib/stripe.mjs'
import { newPerson, sessionOf } from './people.mjs'

/** Sells, pays and cancels. */
export async function buyAndCancel(world, app, ada, eve) {
  await offer(world)
  await grantNothingUnpaid(world, app, ada)
  await payOnce(world, app, ada)
  await authenticate(world, app, eve)
  await abandon(world, app)
  await survive(world, app)
  await end(world, ada)
}

async function offer(world) {
  chapter('Plans')
  const gives = { projects: { limit: 3, mode: 'hard' }, export: true }
  const pro = { id: world.plan, name: 'Pro', prices: [{ interval: 'month', amount: 1900, currency: 'usd' }], entitlements: gives }
  await step('an administrator makes a plan with the secret key, and everybody sees it at once', async (say) => {
    await world.ask('POST', '/payments/v1/plans', 201, { body: pro })
    const plan = await listed(world, world.plan)
    assert.deepEqual([plan.name, plan.prices[0].amount, plan.entitlements], ['Pro', 1900, gives])
    say(`${plan.prices[0].amount / 100} ${plan.prices[0].currency}`)
  })
  await step('nobody else makes one', async () => {
    for (const token of [world.publishableKey, 'quoin_sec_00000000000000000000000000000000']) {
      const { status } = await world.call('POST', '/payments/v1/plans', { token, body: { ...pro, id: 'free-lunch' } })
      assert.ok(status === 401 || status === 403, String(status))
    }
  })
  await step('Stripe knows its product and price soon after', async () => {
    await until('publication', async () => (await listed(world, world.plan)).published)
  })
  await step("one made in Stripe's dashboard appears as a plan", async (say) => {
    const name = `Studio ${world.run}`
    const product = await stripe(world, 'POST', 'products', { name, 'metadata[entitlements]': '{"export":true}' })
    const price = { product: product.id, currency: 'eur', unit_amount: '4900', 'recurring[interval]': 'year' }
    await stripe(world, 'POST', 'prices', price)
    const plan = await until('the plan', async () => (await plans(world)).find((one) => one.name === name && one.prices.length === 1))
    assert.deepEqual([plan.prices[0].amount, plan.prices[0].currency, plan.entitlements], [4900, 'eur', { export: true }])
    say(plan.id)
  })
}

async function grantNothingUnpaid(world, app, ada) {
  chapter('A purchase')
  await step('opening the success address without paying grants nothing', async () => {
    const { session_id: session } = await checkout(world, app, ada)
    assert.equal((await fetch(`${app.url}?paid=${session}`)).status, 200)
    await nothing(world, ada)
  })
  await step('an address that is not on the list is refused', async () => {
    const { status, json } = await begin(world, ada, { success_url: 'https://elsewhere.example/', cancel_url: app.url })
    assert.deepEqual([status, json.code], [400, 'redirect_not_allowed'])
  })
  await step('a declined card is told so, and grants nothing', async () => {
    const { url } = await checkout(world, app, ada)
    const answer = await pay(url, 'declined')
    assert.equal(answer.status, 200)
    assert.match(answer.text, /Your card was declined/)
    await nothing(world, ada)
  })
  await step('fifty clicks at once open one session', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => checkoutPatiently(world, app, ada)))
    assert.equal(new Set(all.map((one) => one.session_id)).size, 1)
  })
}

async function payOnce(world, app, ada) {
  const { url, session_id: session } = await checkout(world, app, ada)
  const other = url
  if (world.chromium) {
    await step('Chromium pays on the hosted page and lands in the application', async (say) => {
      const landed = await payInBrowser(world, url)
      assert.deepEqual(landed.complaints, [])
      assert.equal(landed.price, '$19.00')
      assert.equal(landed.url, `${app.url}?paid=${session}`)
      say(`pictures in ${world.screenshots}`)
    })
  } else {
    await step('the hosted page takes the money and leads to the application', async () => {
      const answer = await pay(url, 'good')
      assert.deepEqual([answer.status, answer.location], [303, `${app.url}?paid=${session}`])
    })
  }
  await step('the signed webhook makes the subscription active in the database', async (say) => {
    await until('the subscription', () => isActive(world, ada))
    const [row] = data(await ada.client.from('subscriptions').select('plan,status,access,quantity'))
    assert.deepEqual(row, { plan: world.plan, status: 'active', access: 'full', quantity: 1 })
    const [one] = await subscriptions(world, ada)
    const { fetches } = await world.ask('GET', `/payments/v1/subscriptions/${one.id}/explain`, 200, await as(ada))
    say(`${fetches.length} fetches explain it`)
  })
  await step('entitlements and introspection say premium', async (say) => {
    const { plan, entitlements } = await entitlementsOf(world, ada)
    assert.deepEqual([plan, entitlements.export, entitlements.projects.limit], [world.plan, true, 3])
    const who = await introspect(world, ada)
    assert.deepEqual([who.premium, who.plan, who.auto_renew], [true, world.plan, true])
    say(`until ${who.premium_until}`)
  })
  await step('the invoice is there, with its document', async () => {
    const { data: invoices } = await world.ask('GET', '/payments/v1/invoices', 200, await as(ada))
    const paid = invoices.filter((invoice) => invoice.status === 'paid')
    assert.deepEqual(paid.map((invoice) => invoice.total), [1900])
  })
  await step('the second tab pays nothing, and a second purchase is refused', async () => {
    assert.notEqual((await pay(other, 'good')).status, 303)
    const { status, json } = await begin(world, ada, targets(app))
    assert.deepEqual([status, json.code], [409, 'already_subscribed'])
    assert.equal((await subscriptions(world, ada)).length, 1)
  })
}

async function authenticate(world, app, eve) {
  await step('3-D Secure: refused it grants nothing, completed it does; the stranger pays for herself alone', async () => {
    const { url } = await checkout(world, app, eve)
    const refused = await submit((await pay(url, 'asks')).location, { do: 'fail' })
    assert.equal(refused.location, url)
    await nothing(world, eve)
    const done = await submit((await pay(url, 'asks')).location, { do: 'complete' })
    assert.ok(done.location.startsWith(`${app.url}?paid=`), done.location)
    await until('the subscription', () => isActive(world, eve))
    const [hers, rows] = [await subscriptions(world, eve), data(await eve.client.from('subscriptions').select('id'))]
    assert.deepEqual(new Set(rows.map((row) => row.id)), new Set(hers.map((one) => one.id)))
    assert.equal(hers.filter((one) => one.access === 'full').length, 1)
  })
}

async function abandon(world, app) {
  const carl = await newPerson(world, app, 'carl')
  await step('an abandoned checkout expires, its page sells nothing, and another one can begin', async () => {
    const first = await checkout(world, app, carl)
    await stripe(world, 'POST', `checkout/sessions/${first.session_id}/expire`)
    const answer = await pay(first.url, 'good')
    assert.equal(answer.status, 200)
    assert.match(answer.text, /expired/)
    const second = await until('another session', async () => {
      const again = await checkoutPatiently(world, app, carl)
      return again.session_id !== first.session_id && again
    })
    await nothing(world, carl)
    assert.equal((await pay(second.url, 'good')).status, 303)
    await until('the subscription', () => isActive(world, carl))
  })
}

async function survive(world, app) {
  const dora = await newPerson(world, app, 'dora')
  await step('back from the page before the webhook, nothing is there yet; then it is', async () => {
    await chaos(world, { delay: 100, delay_ms: 1500 })
    const { url } = await checkout(world, app, dora)
    assert.equal((await fetch((await pay(url, 'good')).location)).status, 200)
    await nothing(world, dora)
    await until('the subscription', () => isActive(world, dora))
  })
  const emil = await newPerson(world, app, 'emil')
  await step('webhooks twice, out of order and wrongly signed at first, Stripe failing now and then: one subscription', async () => {
    await chaos(world, { duplicate: 100, reorder: 100, wrong_signature: 50, error: 20, close: 20, path: '/v1/' })
    const { url } = await checkoutPatiently(world, app, emil)
    assert.equal((await pay(url, 'good')).status, 303)
    await until('the subscription', () => isActive(world, emil), 60_000)
    await chaos(world)
    assert.equal((await subscriptions(world, emil)).length, 1)
  })
  const fritz = await newPerson(world, app, 'fritz')
  await step('with every webhook lost, reconciliation finds what was paid and says so', async (say) => {
    await chaos(world, { drop: 100 })
    const { url } = await checkout(world, app, fritz)
    assert.equal((await pay(url, 'good')).status, 303)
    const { repaired, failed } = await world.ask('POST', '/payments/v1/reconcile', 200)
    assert.deepEqual(failed, [])
    assert.ok(await isActive(world, fritz), JSON.stringify(repaired))
    assert.deepEqual((await world.ask('POST', '/payments/v1/reconcile', 200)).repaired, [])
    await chaos(world)
    say(`${repaired.length} repaired`)
  })
}

async function end(world, ada) {
  const [one] = await subscriptions(world, ada)
  const path = `/payments/v1/subscriptions/${one.id}`
  await step('canceled, it runs to the end of what is paid; resumed, it goes on', async () => {
    const ending = await world.ask('POST', `${path}/cancel`, 200, { ...(await as(ada)), body: {} })
    assert.equal(ending.cancel_at, ending.current_period_end)
    assert.deepEqual([(await introspect(world, ada)).premium, (await introspect(world, ada)).auto_renew], [true, false])
    const resumed = await world.ask('POST', `${path}/resume`, 200, await as(ada))
    assert.equal(resumed.cancel_at, null)
  })
  await step('canceled now, nothing is left of it, at once', async () => {
    await world.ask('POST', `${path}/cancel`, 200, { ...(await as(ada)), body: { now: true } })
    await nothing(world, ada)
    const [row] = data(await ada.client.from('subscriptions').select('status,access'))
    assert.deepEqual(row, { status: 'canceled', access: 'none' })
  })
}

const targets = (app) => ({ success_url: `${app.url}?paid={CHECKOUT_SESSION_ID}`, cancel_url: app.url })

async function as(person) {
  return { token: (await sessionOf(person)).access_token }
}

async function begin(world, person, urls) {
  return world.call('POST', '/payments/v1/plans/checkout', { ...(await as(person)), body: { plan: world.plan, ...urls } })
}

async function checkout(world, app, person) {
  const { status, json } = await begin(world, person, targets(app))
  assert.equal(status, 200, JSON.stringify(json))
  return json
}

/** Comes back when told to, as clients do: another click is being served, or Stripe does not answer. */
async function checkoutPatiently(world, app, person) {
  return until('the checkout', async () => {
    const { status, json } = await begin(world, person, targets(app))
    assert.ok([200, 409, 503].includes(status), JSON.stringify(json))
    return status === 200 && json
  })
}

async function plans(world) {
  return (await world.ask('GET', '/payments/v1/plans', 200, { token: world.publishableKey })).data
}

async function listed(world, id) {
  const plan = (await plans(world)).find((one) => one.id === id)
  assert.ok(plan, `${id} is listed`)
  return plan
}

async function subscriptions(world, person) {
  return (await world.ask('GET', '/payments/v1/subscriptions', 200, await as(person))).data
}

async function isActive(world, person) {
  return (await subscriptions(world, person)).some((one) => one.access === 'full')
}

async function entitlementsOf(world, person) {
  return world.ask('GET', '/payments/v1/entitlements', 200, await as(person))
}

async function introspect(world, person) {
  return world.ask('POST', '/auth/v1/introspect', 200, { body: { token: (await as(person)).token } })
}

/** Nothing is open that has to be paid for, wherever one looks. */
async function nothing(world, person) {
  assert.ok(!(await isActive(world, person)), 'no subscription')
  assert.equal((await entitlementsOf(world, person)).entitlements.export, false)
  assert.equal((await introspect(world, person)).premium, false)
}
