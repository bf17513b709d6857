// The development mailbox, and the pages that links in mails lead to.

import { setTimeout as pause } from 'node:timers/promises'
import { assert } from './expect.mjs'

/** Waits for the newest mail to an address, after those already seen. */
export async function newMail(world, to, seen = 0) {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await pause(20)) {
    const mails = await world.ask('GET', `/admin/v1/mailbox?to=${encodeURIComponent(to)}`, 200)
    assert.ok(Array.isArray(mails), 'the mailbox is a plain array')
    if (mails.length > seen) return { ...mails[0], count: mails.length }
  }
  throw new Error(`no mail to ${to} within ten seconds`)
}

/** Returns how many mails an address has. */
export async function mailCount(world, to) {
  return (await world.ask('GET', `/admin/v1/mailbox?to=${encodeURIComponent(to)}`, 200)).length
}

/** Opens a link the way scanners and impatient people do, and checks that the page stays the page. */
export async function openManyTimes(link, times = 20) {
  for (let i = 0; i < times; i++) {
    const answer = await fetch(link, { method: i % 2 ? 'HEAD' : 'GET', redirect: 'manual' })
    assert.equal(answer.status, 200, `opening the link shows a page, the ${i + 1}th time too`)
    await answer.arrayBuffer()
  }
}

/** Opens a link's page and presses its one button, without a browser. Returns where the answer leads to. */
export async function pressButton(link) {
  const page = await fetch(link, { redirect: 'manual' })
  assert.equal(page.status, 200, `the page of ${link}`)
  const html = await page.text()
  const cookies = page.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  const form = readForm(html, link)
  const answer = await fetch(form.action, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: cookies.join('; ') },
    body: new URLSearchParams(form.fields),
    redirect: 'manual',
  })
  const text = await answer.text()
  return { status: answer.status, location: answer.headers.get('location'), text }
}

/** Reads what a page's fragment hands to the application. */
export function fragmentOf(location) {
  assert.ok(location, 'the answer redirects')
  return Object.fromEntries(new URLSearchParams(new URL(location).hash.slice(1)))
}

function readForm(html, base) {
  const forms = [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)]
  assert.equal(forms.length, 1, 'the page holds one form')
  const [, head, inside] = forms[0]
  assert.match(attribute(head, 'method') ?? '', /^post$/i)
  const inputs = [...inside.matchAll(/<input\b([^>]*)>/gi)].map((input) => input[1])
  const hidden = inputs.filter((input) => attribute(input, 'type') === 'hidden')
  const fields = hidden.map((input) => [attribute(input, 'name'), attribute(input, 'value') ?? ''])
  return { action: new URL(attribute(head, 'action') ?? '', base), fields }
}

function attribute(tag, name) {
  const found = tag.match(new RegExp(`\\b${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i'))
  return found && unescape(found[1] ?? found[2] ?? found[3])
}

function unescape(text) {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, entity) => {
    if (entity[0] !== '#') return named[entity.toLowerCase()] ?? whole
    const isHex = /^#x/i.test(entity)
    return String.fromCodePoint(parseInt(entity.slice(isHex ? 2 : 1), isHex ? 16 : 10))
  })
}
