// A person in a browser, who goes to a provider and comes back.

import { chromium } from 'playwright-core'

const isHere = (url) => ['127.0.0.1', 'localhost'].includes(url.hostname)

/** Opens a browser in which nobody is signed in anywhere yet. */
export async function openBrowser(world) {
  const browser = await chromium.launch({ executablePath: world.chromium, args: ['--no-sandbox'] })
  return {
    /** Another person: no cookie, nothing stored. */
    traveller: async (app) => {
      const context = await browser.newContext({ viewport: { width: 900, height: 640 } })
      // The provider's pages ask for fonts from elsewhere; nothing leaves this machine.
      await context.route((url) => !isHere(url), (route) => route.abort())
      const page = await context.newPage()
      return new Traveller(page, app)
    },
    /** Somebody who comes to Quoin's own pages. */
    visitor: async () => {
      const context = await browser.newContext({ viewport: { width: 900, height: 640 }, locale: 'en-GB' })
      await context.route((url) => !isHere(url), (route) => route.abort())
      const page = await context.newPage()
      return { page, passProvider: (login) => new Traveller(page).passProvider(login) }
    },
    close: () => browser.close(),
  }
}

class Traveller {
  constructor(page, app) {
    this.page = page
    this.app = app
  }

  /** Opens the application and runs an expression of its client, which may lead away. */
  async ask(expression) {
    if (!this.page.url().startsWith(this.app.url)) await this.page.goto(this.app.url)
    await this.page.waitForSelector('#who[data-ready=yes]')
    return this.page.evaluate(`(async () => { const answer = await ${expression}; return JSON.parse(JSON.stringify(answer)) })()`)
  }

  /** Leaves for a provider, as the client wishes. */
  async leave(expression) {
    const { error } = await this.ask(expression)
    if (error) return error
    await this.page.waitForURL((url) => !url.href.startsWith(this.app.url))
    return null
  }

  /** Signs in at the provider's own pages and agrees to everything, as far as it asks. */
  async passProvider(login) {
    await this.page.waitForURL(/\/interaction\//)
    if (await this.page.locator('input[name=login]').count()) {
      await this.page.fill('input[name=login]', login)
      await this.page.fill('input[name=password]', 'anything')
      await this.page.locator('button[type=submit]').click()
    }
    await this.page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' })
    await this.page.locator('button[type=submit]').click()
  }

  /** Waits until the application says who is signed in. */
  async landed() {
    await this.page.waitForURL((url) => url.href.startsWith(this.app.url))
    await this.page.waitForSelector('#who[data-ready=yes]')
    return this.page.locator('#who').textContent()
  }

  user() {
    return this.ask('client.auth.getUser()').then(({ data }) => data.user)
  }

  /** The claims of the present access token. */
  async claims() {
    const { data } = await this.ask('client.auth.getSession()')
    return JSON.parse(Buffer.from(data.session.access_token.split('.')[1], 'base64url').toString())
  }
}
