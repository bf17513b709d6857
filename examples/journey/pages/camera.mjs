// Takes pictures of a page in both widths and both colour schemes, and has axe judge what they show.

import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { assert } from '../lib/expect.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const looks = [
  { name: 'desktop', width: 1100, height: 800, colorScheme: 'light' },
  { name: 'phone', width: 360, height: 740, colorScheme: 'dark' },
]

export class Camera {
  constructor(page, browser, url, folder) {
    Object.assign(this, { page, browser, url, folder, complaints: [] })
    page.on('console', (message) => message.type() === 'error' && this.note(message))
  }

  /** Browsers complain of answers that refuse, which some pages do on purpose, and of the icon that they ask for by themselves. */
  note(message) {
    if (!message.text().startsWith('Failed to load resource')) this.complaints.push(message.text())
  }

  /** Pictures the page and checks it: no violations of axe, no sideways scrolling, nothing that the policy has refused. */
  async shoot(name, options = {}) {
    await mkdir(this.folder, { recursive: true })
    for (const look of looks) {
      await this.page.setViewportSize({ width: look.width, height: look.height })
      await this.page.emulateMedia({ colorScheme: look.colorScheme })
      const path = join(this.folder, `${name}-${look.name}.png`)
      await this.page.screenshot({ path, fullPage: true, ...options })
      await this.judge(`${name} on ${look.name}`, look)
    }
    assert.deepEqual(this.complaints, [], `the console on ${name}`)
  }

  /** axe is a script, which the pages' own policy refuses; it judges the same markup and styles without that policy. */
  async judge(where, look) {
    const copy = await this.browser.newContext({ bypassCSP: true, colorScheme: look.colorScheme })
    try {
      const page = await copy.newPage()
      await page.setViewportSize({ width: look.width, height: look.height })
      const html = await this.page.content()
      await page.route('**/*', async (route) => {
        const url = new URL(route.request().url())
        if (url.pathname === '/judged') return route.fulfill({ contentType: 'text/html', body: html })
        return url.pathname.startsWith('/assets/') && !url.pathname.endsWith('.js') ? route.continue() : route.abort()
      })
      await page.goto(`${this.url}/judged`)
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run())
      const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`)
      assert.deepEqual(found, [], `axe on ${where}`)
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      assert.ok(wider <= 0, `${where} scrolls sideways by ${wider} px`)
    } finally {
      await copy.close()
    }
  }
}
