#!/usr/bin/env node
// People sign in to a Next.js application by NextAuth's e-mail provider, in a real browser; Quoin keeps everything.
//
// The mail server that application and Quoin share is played here.

import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { assert } from '../lib/expect.mjs'
import { failed, finish, name, step } from '../lib/steps.mjs'
import { World } from '../lib/world.mjs'
import { serveMail } from '../nodes/smtp.mjs'

const text = { type: 'string' }
const options = {
  url: text,
  'publishable-key': text,
  'secret-key': text,
  chromium: text,
  screenshots: text,
  app: text,
  'app-port': text,
  'smtp-port': text,
}
const { values } = parseArgs({ options })
name('nextauth')
const world = new World(values)
const app = `http://127.0.0.1:${values['app-port']}`
const ada = world.address('ada')
const open = []

/** Starts the application and waits until it answers. */
async function startApplication() {
  const env = {
    ...process.env,
    NEXT_TELEMETRY_DISABLED: '1',
    NEXTAUTH_URL: app,
    NEXTAUTH_SECRET: 'a secret of this run alone',
    QUOIN_URL: world.url,
    QUOIN_PUBLISHABLE_KEY: values['publishable-key'],
    QUOIN_SECRET_KEY: values['secret-key'],
    EMAIL_SERVER: `smtp://127.0.0.1:${values['smtp-port']}`,
    EMAIL_FROM: 'Notes <notes@app.example>',
  }
  const args = ['node_modules/next/dist/bin/next', 'dev', '--hostname', '127.0.0.1', '--port', values['app-port']]
  const child = spawn(process.execPath, args, { cwd: values.app, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => said.push(bytes.toString()))
  open.push({ close: () => child.kill() })
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = await fetch(`${app}/sign-in`).catch(() => null)
    if (answer?.ok) return said
    if (child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`the application does not start:\n${said.join('')}`)
}

/** Returns the link of the newest mail to an address, once there are more than `known`. */
async function mailedLink(mail, address, known) {
  for (let tries = 0; tries < 300; tries += 1) {
    const mails = mail.accepted.filter((one) => one.to === address)
    if (mails.length > known) {
      const body = mails.at(-1).text.replace(/=\n/g, '').replace(/=3D/gi, '=')
      return body.match(/http:\/\/127\.0\.0\.1:\d+\/api\/auth\/callback\/email\S+/)[0].replace(/&amp;/g, '&')
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no mail to ${address}`)
}

async function ask(page, address) {
  await page.goto(`${app}/sign-in`)
  await page.waitForLoadState('networkidle')
  await page.getByLabel('E-mail address').fill(address)
  await page.getByRole('button', { name: 'Mail me a link' }).click()
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor()
}

const adminUser = async (email) => {
  const { data } = await world.administrator().auth.admin.listUsers({ perPage: 1000 })
  return data.users.find((user) => user.email === email)
}

async function signingIn(mail, browser) {
  const page = await (await browser.newContext()).newPage()
  const picture = async (shown) => {
    await mkdir(world.screenshots, { recursive: true })
    await page.screenshot({ path: join(world.screenshots, `${shown}.png`), fullPage: true })
  }
  let used
  await step('somebody asks for a link, which the application mails and Quoin knows by its hash', async () => {
    await page.goto(app)
    await page.waitForURL(/\/sign-in/)
    await ask(page, ada)
    const account = await adminUser(ada)
    assert.ok(account && !account.email_confirmed_at, 'the account is made and nobody has confirmed it')
  })
  await step('the link signs in, and the page reads the person’s own row with their session', async () => {
    used = await mailedLink(mail, ada, 0)
    await page.goto(used)
    assert.equal(await page.locator('#who').textContent(), ada)
    const rows = JSON.parse(await page.locator('#rows').textContent())
    assert.equal(rows.length, 1)
    assert.ok((await adminUser(ada)).email_confirmed_at, 'the link has confirmed the address')
    await picture('signed-in')
    const shown = await page.evaluate(() => fetch('/api/auth/session').then((answer) => answer.text()))
    assert.ok(shown.includes(ada) && !shown.includes('token'), 'no token reaches the browser’s scripts')
  })
  await step('the session goes on when its access token has ended', async () => {
    const cookies = async () => (await page.context().cookies()).find((one) => one.name.includes('session-token')).value
    const before = await cookies()
    await new Promise((resolve) => setTimeout(resolve, 6000))
    await page.goto(app)
    assert.equal(await page.locator('#who').textContent(), ada)
    assert.notEqual(await cookies(), before, 'the middleware has put fresh tokens into the cookie')
    await page.goto(app)
    assert.equal(await page.locator('#who').textContent(), ada)
  })
  await step('the same link works once', async () => {
    const other = await (await browser.newContext()).newPage()
    await other.goto(used)
    await other.getByRole('alert').filter({ hasText: 'works once' }).waitFor()
    await other.context().close()
  })
  return page
}

async function refusals(mail, browser, page) {
  await step('a newer link ends the older one', async () => {
    const other = await (await browser.newContext()).newPage()
    const known = mail.accepted.filter((one) => one.to === ada).length
    await ask(other, ada)
    const older = await mailedLink(mail, ada, known)
    await ask(other, ada)
    const newer = await mailedLink(mail, ada, known + 1)
    await other.goto(older)
    await other.getByRole('alert').filter({ hasText: 'works once' }).waitFor()
    await other.goto(newer)
    assert.equal(await other.locator('#who').textContent(), ada)
    await other.context().close()
  })
  await step('a link to one address does not sign in as another', async () => {
    const other = await (await browser.newContext()).newPage()
    const eve = world.address('eve')
    await ask(other, eve)
    const link = new URL(await mailedLink(mail, eve, 0))
    link.searchParams.set('email', ada)
    await other.goto(link.href)
    await other.getByRole('alert').filter({ hasText: 'works once' }).waitFor()
    await other.goto(app)
    await other.waitForURL(/\/sign-in/)
    await other.context().close()
  })
  await step('signing out ends the session at Quoin, and being banned ends it here', async () => {
    await page.goto(app)
    await page.waitForLoadState('networkidle')
    const { id } = await adminUser(ada)
    const cookies = await page.context().cookies()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in/)
    const thief = await browser.newContext()
    await thief.addCookies(cookies)
    const stolen = await thief.newPage()
    await stolen.goto(app)
    await stolen.waitForURL(/\/sign-in/)
    await thief.close()
    const known = mail.accepted.filter((one) => one.to === ada).length
    await ask(page, ada)
    await page.goto(await mailedLink(mail, ada, known))
    assert.equal(await page.locator('#who').textContent(), ada)
    await world.administrator().auth.admin.updateUserById(id, { ban_duration: '1h' })
    await page.goto(app)
    await page.waitForURL(/\/sign-in/)
  })
}

try {
  const mail = await serveMail(Number(values['smtp-port']))
  open.push(mail)
  const said = await startApplication()
  const browser = await chromium.launch({ executablePath: world.chromium, args: ['--no-sandbox'] })
  open.push(browser)
  try {
    const page = await signingIn(mail, browser)
    await refusals(mail, browser, page)
  } catch (error) {
    console.error(said.join('').split('\n').slice(-40).join('\n'))
    throw error
  }
} catch (error) {
  failed()
  console.error(error)
} finally {
  for (const each of open.reverse()) await each.close()
  process.exit(finish())
}
