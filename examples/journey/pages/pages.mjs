#!/usr/bin/env node
// Walks through the pages in Chromium as a person does, in two widths and both colour schemes, and has axe judge each.

import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { assert } from '../lib/expect.mjs'
import { newMail } from '../lib/mailbox.mjs'
import { failed, finish, name, step } from '../lib/steps.mjs'
import { World } from '../lib/world.mjs'
import { Camera } from './camera.mjs'
import { invited } from './invited.mjs'
import { code } from './totp.mjs'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8080' },
    'publishable-key': { type: 'string', default: process.env.QUOIN_PUBLISHABLE_KEY },
    'secret-key': { type: 'string', default: process.env.QUOIN_SECRET_KEY },
    // How people reach the server: a name, because passkeys belong to one.
    'public-url': { type: 'string', default: 'http://pages.localhost' },
    chromium: { type: 'string' },
    screenshots: { type: 'string', default: 'screenshots' },
  },
})
name('pages')
const world = new World(values)
const [password, better] = ['three unrelated words', 'four quite other words']
const email = world.address('ada')
const pages = values['public-url'].replace(/\/$/, '')
const mapped = `--host-resolver-rules=MAP ${new URL(pages).hostname}:80 ${new URL(world.url).host}`
const browser = await chromium.launch({ executablePath: world.chromium, args: ['--no-sandbox', mapped] })
let secret
let recovery

/** Opens a browser of its own: cookies, language, no scripts unless asked for. */
async function visitor({ locale = 'en-GB', scripts = false } = {}) {
  const context = await browser.newContext({ locale, javaScriptEnabled: scripts })
  const page = await context.newPage()
  const camera = new Camera(page, browser, pages, world.screenshots)
  const open = (path) => page.goto(pages + path)
  const press = (text) => page.getByRole('button', { name: text, exact: true }).click()
  const heading = async (text) => {
    await page.getByRole('heading', { level: 1, name: text }).waitFor()
  }
  return { context, page, camera, open, press, heading }
}

async function signIn({ page, open, press }, typed = password) {
  await open('/sign-in')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(typed)
  await press('Sign in')
}

async function signUp() {
  const ada = await visitor()
  await step('somebody signs up and finds the mail, without a script', async () => {
    await ada.open('/sign-up')
    await ada.camera.shoot('sign-up')
    await ada.page.getByLabel('Name').fill('Ada Lovelace')
    await ada.page.getByLabel('E-mail address').fill(email)
    await ada.page.getByLabel('Password').fill(password)
    await ada.press('Create account')
    await ada.heading('Check your mail')
    await ada.camera.shoot('check-mail')
  })
  await step('the mailed link opens a button, which ends on the account', async () => {
    const { links } = await newMail(world, email)
    await ada.page.goto(links[0])
    await ada.camera.shoot('confirm')
    await ada.press('Confirm my address')
    await ada.heading('Profile')
    await ada.camera.shoot('profile')
    await ada.page.goto(links[0])
    await ada.heading('This link does not work')
    await ada.camera.shoot('dead-link')
  })
  return ada
}

async function enrol(ada) {
  await step('an authenticator app is added, and its recovery codes are shown', async () => {
    await ada.open('/account/security')
    await ada.camera.shoot('security')
    await ada.press('Add an authenticator app')
    await ada.camera.shoot('app', { mask: [ada.page.locator('.secret')] })
    secret = (await ada.page.locator('.secret').textContent()).replaceAll(' ', '')
    await ada.page.getByLabel('Code').fill('000000')
    await ada.press('Finish')
    await ada.page.getByRole('alert').waitFor()
    await ada.camera.shoot('app-wrong-code')
    await ada.page.getByLabel('Code').fill(code(secret))
    await ada.press('Finish')
    await ada.heading('Recovery codes')
    await ada.camera.shoot('recovery-codes')
    recovery = await ada.page.locator('.codes code').allTextContents()
    assert.equal(recovery.length, 10)
    await ada.press('I have kept them')
    await ada.heading('Profile')
  })
}

async function account(ada) {
  await step('sessions, organisations and a language of one’s own', async () => {
    await ada.open('/account/sessions')
    await ada.camera.shoot('sessions')
    await ada.open('/account/organisations')
    await ada.page.getByLabel('Name of the organisation').fill('Analytical Engines')
    await ada.press('Create')
    await ada.camera.shoot('organisations')
    await ada.page.getByRole('button', { name: 'Use Analytical Engines' }).click()
    await ada.page.locator('.active').waitFor()
    await ada.open('/account')
    await ada.page.getByLabel('Language').selectOption('it')
    await ada.press('Save')
    await ada.page.locator('html[lang=it]').waitFor()
    await ada.camera.shoot('profile-it')
    await ada.page.getByLabel('Lingua').selectOption('en')
    await ada.press('Salva')
    await ada.page.locator('html[lang=en]').waitFor()
  })
  await step('signing out ends the session', async () => {
    await ada.press('Sign out')
    await ada.heading('Sign in')
    await ada.open('/account')
    await ada.heading('Sign in')
  })
}

async function comeBack() {
  const ada = await visitor()
  await step('signing in again asks for the second factor', async () => {
    await signIn(ada, 'not the password')
    await ada.page.getByRole('alert').waitFor()
    await ada.camera.shoot('sign-in-refused')
    await signIn(ada)
    await ada.heading('One more step')
    await ada.camera.shoot('second-factor')
    await ada.page.getByRole('link', { name: 'Use a recovery code' }).click()
    await ada.camera.shoot('second-factor-recovery')
    await ada.page.getByLabel('Recovery code').fill(recovery[0])
    await ada.press('Continue')
    await ada.heading('Profile')
  })
}

async function recover() {
  const ada = await visitor()
  await step('a forgotten password is replaced by way of the mailbox', async () => {
    const { count } = await newMail(world, email)
    await ada.open('/recover')
    await ada.camera.shoot('recover')
    await ada.page.getByLabel('E-mail address').fill(email)
    await ada.press('Send the mail')
    const { links } = await newMail(world, email, count)
    await ada.page.goto(links[0])
    await ada.press('Continue')
    await ada.heading('One more step')
    await ada.page.getByRole('link', { name: 'Use a recovery code' }).click()
    await ada.page.getByLabel('Recovery code').fill(recovery[1])
    await ada.press('Continue')
    await ada.heading('Choose a new password')
    await ada.camera.shoot('new-password')
    await ada.page.getByLabel('New password').fill(better)
    await ada.press('Save the password')
    await ada.heading('Profile')
  })
}

async function passkey() {
  const ada = await visitor({ scripts: true })
  const client = await ada.context.newCDPSession(ada.page)
  await client.send('WebAuthn.enable')
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true }
  const device = { ...options, isUserVerified: true, automaticPresenceSimulation: true }
  await client.send('WebAuthn.addVirtualAuthenticator', { options: device })
  await step('a passkey is made with the device and then signs in by itself', async () => {
    await signIn(ada, better)
    await ada.page.getByRole('link', { name: 'Use a recovery code' }).click()
    await ada.page.getByLabel('Recovery code').fill(recovery[2])
    await ada.press('Continue')
    await ada.heading('Profile')
    await ada.open('/account/security')
    await ada.press('Add a passkey')
    await ada.camera.shoot('passkey-create')
    await ada.press('Continue')
    await ada.page.getByRole('status').waitFor()
    await ada.camera.shoot('security-full')
    await ada.press('Sign out')
    await ada.press('Sign in with a passkey')
    await ada.heading('Passkey')
    await ada.camera.shoot('passkey')
    await ada.press('Continue')
    await ada.heading('Profile')
  })
}

async function others() {
  for (const locale of ['en', 'de', 'it', 'es', 'fr']) {
    await step(`the doors stand in ${locale}`, async () => {
      const guest = await visitor({ locale })
      await guest.open('/sign-in')
      assert.equal(await guest.page.locator('html').getAttribute('lang'), locale)
      await guest.camera.shoot(`sign-in-${locale}`)
      await guest.open('/sign-in/link')
      await guest.camera.shoot(`link-${locale}`)
      await guest.context.close()
    })
  }
}

try {
  const ada = await signUp()
  await enrol(ada)
  await account(ada)
  await comeBack()
  await recover()
  await passkey()
  await invited(world, password, visitor)
  await others()
} catch (error) {
  failed()
  console.error(error)
} finally {
  await browser.close()
}
process.exitCode = finish()
