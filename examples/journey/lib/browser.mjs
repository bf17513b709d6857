// A real browser that presses the button of the confirmation page and lands in the application.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { assert } from './expect.mjs'

/** Confirms in Chromium and returns what the application's page shows, with the complaints of the console. */
export async function confirmInBrowser(world, link) {
  await mkdir(world.screenshots, { recursive: true })
  const browser = await chromium.launch({ executablePath: world.chromium, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 900, height: 640 } })
    const complaints = []
    // A browser asks for an icon by itself; neither page has one.
    const isIcon = (message) => message.location().url.endsWith('/favicon.ico')
    page.on('console', (message) => message.type() === 'error' && !isIcon(message) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    const answer = await page.goto(link)
    const policy = answer.headers()['content-security-policy'] ?? ''
    assert.match(policy, /default-src 'none'/, 'the page has a strict policy')
    assert.doesNotMatch(policy, /unsafe/, 'the page has a strict policy')
    await page.screenshot({ path: join(world.screenshots, 'confirm.png'), fullPage: true })
    await page.getByRole('button').click()
    await page.waitForSelector('#who[data-ready=yes]')
    await page.screenshot({ path: join(world.screenshots, 'landed.png'), fullPage: true })
    return { url: page.url(), text: await page.locator('#who').textContent(), complaints }
  } finally {
    await browser.close()
  }
}
