// Stripe's side, as the twin plays it: what the team does in the dashboard, and the customer on the hosted page.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import { assert } from './expect.mjs'

/** Cards that behave as their names say. */
export const CARDS = { good: '4242 4242 4242 4242', declined: '4000 0000 0000 0002', asks: '4000 0025 0000 3155' }

const CUSTOMER = { email: 'ada@example.com', name: 'Ada', expiry: '12/34', cvc: '123' }

/** Calls Stripe's API as its own clients do: a form with brackets. */
export async function stripe(world, method, path, fields = {}) {
  const form = new URLSearchParams(fields)
  const isGet = method === 'GET'
  const answer = await fetch(`${world.stripeUrl}/v1/${path}${isGet ? `?${form}` : ''}`, {
    method,
    headers: { authorization: 'Bearer sk_test_journey' },
    body: isGet ? undefined : form,
  })
  const json = await answer.json()
  assert.equal(answer.status, 200, `${method} ${path}: ${JSON.stringify(json)}`)
  return json
}

/** Turns the knob of what goes wrong; without arguments, everything goes well again. */
export async function chaos(world, knobs = {}) {
  if (!('reset' in knobs)) await chaos(world, { reset: true })
  const answer = await fetch(`${world.stripeUrl}/_twin/chaos`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(knobs),
  })
  assert.equal(answer.status, 200, await answer.text())
}

/** Sends the form of a hosted page as a browser would, without following where it leads. */
export async function submit(url, fields) {
  const answer = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
    headers: { origin: new URL(url).origin },
  })
  return { status: answer.status, location: answer.headers.get('location'), text: await answer.text() }
}

/** Fills in the hosted checkout page and presses its button. */
export const pay = (url, card) => submit(url, { ...CUSTOMER, number: CARDS[card] })

/** Pays in Chromium; answers where the browser landed, and what the console complained of. */
export async function payInBrowser(world, url) {
  await mkdir(world.screenshots, { recursive: true })
  const browser = await chromium.launch({ executablePath: world.chromium, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1000, height: 760 } })
    const complaints = []
    const isIcon = (message) => message.location().url.endsWith('/favicon.ico')
    page.on('console', (message) => message.type() === 'error' && !isIcon(message) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(url)
    await page.getByLabel('Email').fill(CUSTOMER.email)
    await page.getByLabel('Card number').fill(CARDS.good)
    await page.getByLabel('Expiry').fill(CUSTOMER.expiry)
    await page.getByLabel('CVC').fill(CUSTOMER.cvc)
    await page.getByLabel('Name on card').fill(CUSTOMER.name)
    await page.screenshot({ path: join(world.screenshots, 'checkout.png'), fullPage: true })
    const price = await page.locator('.price').textContent()
    await page.getByRole('button', { name: /^(Subscribe|Pay)/ }).click()
    await page.waitForURL((where) => !where.href.startsWith(world.stripeUrl))
    return { url: page.url(), price, complaints }
  } finally {
    await browser.close()
  }
}

/** Waits until something holds, for as long as jobs and webhooks may take. */
export async function until(what, holds, patience = 15_000) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await pause(25)) {
    const found = await holds()
    if (found) return found
  }
  throw new Error(`${what} did not happen within ${patience} ms`)
}
