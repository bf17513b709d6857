// Providers from Quoin's own sign-in page: without an application, people land on their account; with one, they land there.

import { assert } from '../lib/expect.mjs'
import { step } from '../lib/steps.mjs'

export async function ownPages(world, apps, browser) {
  const ann = world.address('own')
  await step('the sign-in page offers the provider, and whoever comes back lands on their account', async () => {
    const { page, passProvider } = await browser.visitor()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('link', { name: 'Continue with Acme' }).click()
    await passProvider(ann)
    await page.waitForURL(`${world.url}/account`)
    assert.ok((await page.locator('main').textContent()).includes(ann))
  })
  await step('whoever turns back is told so on the sign-in page', async () => {
    const { page } = await browser.visitor()
    await page.goto(`${world.url}/sign-in`)
    await page.getByRole('link', { name: 'Continue with Acme' }).click()
    await page.getByText('Cancel').click()
    await page.getByRole('alert').filter({ hasText: 'Try again, or choose another way' }).waitFor()
  })
  await step('an application that sent somebody there with a challenge gets a code, and its client exchanges it', async () => {
    const person = await browser.traveller(apps.pkce)
    // The client makes challenge and verifier; the person goes to the pages with them instead of straight to the provider.
    const { url } = (await person.ask(`client.auth.signInWithOAuth({ provider: 'acme', options: { redirectTo: location.origin, skipBrowserRedirect: true } })`)).data
    const asked = new URL(url).searchParams
    const query = new URLSearchParams({ redirect_to: apps.pkce.url })
    for (const name of ['code_challenge', 'code_challenge_method']) query.set(name, asked.get(name))
    await person.page.goto(`${world.url}/sign-in?${query}`)
    await person.page.getByRole('link', { name: 'Continue with Acme' }).click()
    await person.passProvider(ann)
    assert.equal(await person.landed(), `Signed in as ${ann}`)
    assert.ok(!person.page.url().includes('access_token'))
  })
}
