// Signing in through a provider, coming again, changing one's mind, and linking.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, data } from '../lib/expect.mjs'
import { step } from '../lib/steps.mjs'

const signIn = `client.auth.signInWithOAuth({ provider: 'acme', options: { redirectTo: location.origin } })`

export async function social(world, apps, browser) {
  const ann = world.address('ann')
  const first = await step('a newcomer signs in with signInWithOAuth', async () => {
    const person = await browser.traveller(apps.implicit)
    assert.equal(await person.leave(signIn), null)
    await person.passProvider(ann)
    assert.equal(await person.landed(), `Signed in as ${ann}`)
    const user = await person.user()
    assert.deepEqual(user.app_metadata, { provider: 'acme', providers: ['acme'] })
    assert.equal(user.identities[0].identity_data.sub, ann)
    assert.ok(!person.page.url().includes('access_token'), 'the client has taken the tokens out of the URL')
    return user
  })

  await step('comes again, in another browser and with PKCE, and is the same', async () => {
    const person = await browser.traveller(apps.pkce)
    await person.leave(signIn)
    await person.passProvider(ann)
    assert.equal(await person.landed(), `Signed in as ${ann}`)
    assert.equal((await person.user()).id, first.id)
    assert.equal((await person.claims()).amr[0].method, 'oauth')
  })

  await step('changes their mind at the provider and is told so', async () => {
    const person = await browser.traveller(apps.implicit)
    await person.leave(signIn)
    await person.page.waitForURL(/\/interaction\//)
    await person.page.getByText('Cancel').click()
    await person.page.waitForURL((url) => url.href.startsWith(apps.implicit.url))
    const landed = new URL(person.page.url())
    assert.equal(landed.searchParams.get('error_code'), 'access_denied')
  })

  await step('an account with the same proved address is linked, not doubled', async () => {
    const email = world.address('lea')
    const made = data(await world.administrator().auth.admin.createUser({
      email, password: 'walrus-teapot-lantern', email_confirm: true,
    }))
    const person = await browser.traveller(apps.implicit)
    await person.leave(signIn)
    await person.passProvider(email)
    assert.equal(await person.landed(), `Signed in as ${email}`)
    const user = await person.user()
    assert.equal(user.id, made.user.id)
    assert.deepEqual(user.app_metadata.providers, ['email', 'acme'])
  })

  await linking(world, apps, browser)
}

async function linking(world, apps, browser) {
  const email = world.address('kim')
  await world.administrator().auth.admin.createUser({ email, password: 'walrus-teapot-lantern', email_confirm: true })
  const person = await browser.traveller(apps.implicit)

  await step('somebody signed in links another account with linkIdentity, on a page that names theirs', async () => {
    data(await person.ask(`client.auth.signInWithPassword({ email: '${email}', password: 'walrus-teapot-lantern' })`))
    await person.leave(`client.auth.linkIdentity({ provider: 'acme', options: { redirectTo: location.origin } })`)
    await person.page.waitForURL(/\/auth\/v1\/authorize/)
    const shown = await person.page.locator('main').textContent()
    assert.ok(shown.includes(email), shown)
    await mkdir(world.screenshots, { recursive: true })
    await person.page.screenshot({ path: join(world.screenshots, 'link-account.png'), fullPage: true })
    await person.page.getByRole('button').click()
    await person.passProvider(`elsewhere-${world.run}@other.example`)
    assert.equal(await person.landed(), `Signed in as ${email}`)
    const { identities } = data(await person.ask('client.auth.getUserIdentities()'))
    assert.deepEqual(identities.map((identity) => identity.provider), ['email', 'acme'])
  })

  await step('and unlinks it with unlinkIdentity', async () => {
    const { identities } = data(await person.ask('client.auth.getUserIdentities()'))
    const linked = identities.find((identity) => identity.provider === 'acme')
    data(await person.ask(`client.auth.unlinkIdentity(${JSON.stringify(linked)})`))
    const left = data(await person.ask('client.auth.getUserIdentities()')).identities
    assert.deepEqual(left.map((identity) => identity.provider), ['email'])
  })
}
