// The Google of npm's `emulate`, which speaks Google's dialect: its paths, its claims, its page that lets people choose an account.

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from '../lib/expect.mjs'
import { step } from '../lib/steps.mjs'

/**
 * Serves it with these people. It needs a newer Node.js than this program, and names itself localhost. It knows no clients: where it
 * knows any it looks for their id in the form alone, although it promises HTTP Basic, which Quoin uses.
 */
export async function serveGoogle({ node, folder, port, people }) {
  const seed = { google: { users: people } }
  const file = join(folder, 'google.json')
  await writeFile(file, JSON.stringify(seed))
  // The package names no way in but its command.
  const program = fileURLToPath(new URL('../node_modules/emulate/dist/index.js', import.meta.url))
  const args = [program, 'start', '-s', 'google', '-p', port, '--seed', file]
  const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const issuer = `http://localhost:${port}`
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => null)
    if (answer?.ok) return { issuer, close: () => child.kill() }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.kill()
  throw new Error('the Google of emulate does not start')
}

const signIn = `client.auth.signInWithOAuth({ provider: 'google', options: { redirectTo: location.origin } })`

async function choose(person, email) {
  await person.page.waitForURL(/\/o\/oauth2\/v2\/auth/)
  await person.page.locator('form', { has: person.page.locator(`input[value="${email}"]`) }).locator('button').click()
}

export async function google(apps, browser, email) {
  const first = await step('somebody signs in with signInWithOAuth and their Google account', async () => {
    const person = await browser.traveller(apps.pkce)
    assert.equal(await person.leave(signIn), null)
    await choose(person, email)
    assert.equal(await person.landed(), `Signed in as ${email}`)
    const user = await person.user()
    assert.deepEqual(user.app_metadata, { provider: 'google', providers: ['google'] })
    return user
  })
  await step('comes again with tokens in the fragment and is the same', async () => {
    const person = await browser.traveller(apps.implicit)
    await person.leave(signIn)
    await choose(person, email)
    assert.equal(await person.landed(), `Signed in as ${email}`)
    assert.equal((await person.user()).id, first.id)
  })
}
