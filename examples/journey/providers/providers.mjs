#!/usr/bin/env node
// People come through a certified OpenID provider, and through the one that their organisation has brought along: the real
// client library in a real browser.
//
// Reading order: provider.mjs, google.mjs and dns.mjs (what is played), traveller.mjs (who comes), social.mjs, own-pages.mjs and
// sso.mjs (what happens).

import { parseArgs } from 'node:util'
import { serveApp } from '../lib/app.mjs'
import { chapter, failed, finish, name } from '../lib/steps.mjs'
import { World } from '../lib/world.mjs'
import { serveDns } from './dns.mjs'
import { google, serveGoogle } from './google.mjs'
import { ownPages } from './own-pages.mjs'
import { serveProvider } from './provider.mjs'
import { social } from './social.mjs'
import { sso } from './sso.mjs'
import { openBrowser } from './traveller.mjs'

const text = { type: 'string' }
const options = {
  url: text,
  'publishable-key': text,
  'secret-key': text,
  chromium: text,
  screenshots: text,
  'provider-port': text,
  'sso-port': text,
  'dns-port': text,
  'google-port': text,
  node: text,
  folder: text,
}
const { values } = parseArgs({ options })
name('providers')
const world = new World(values)
const secret = 'a-secret-that-both-sides-know'
const redirectUri = `${world.url}/auth/v1/callback`
const open = []
try {
  const verified = (id) => ({ email: id, email_verified: true, name: id.split('@')[0] })
  // Many providers of companies say nothing about verification.
  const silent = (id) => ({ email: id, name: id.split('@')[0] })
  const common = { secret, redirectUri }
  open.push(await serveProvider({ ...common, port: Number(values['provider-port']), claims: verified }))
  const own = await serveProvider({ ...common, port: Number(values['sso-port']), claims: silent })
  const dns = await serveDns(Number(values['dns-port']))
  const apps = { implicit: await serveApp(world), pkce: await serveApp(world, { flowType: 'pkce' }) }
  const browser = await openBrowser(world)
  open.push(own, dns, apps.implicit, apps.pkce, browser)
  chapter('A certified provider')
  await social(world, apps, browser)
  chapter('Our own pages')
  await ownPages(world, apps, browser)
  chapter('Google')
  const grace = `grace-${world.run}@gmail.com`
  const { node, folder, 'google-port': port } = values
  const people = [{ email: grace, name: 'Grace Hopper' }]
  open.push(await serveGoogle({ node, folder, port, people }))
  await google(apps, browser, grace)
  chapter("An organisation's own provider")
  await sso(world, apps, browser, { issuer: own.issuer, secret, dns })
} catch (error) {
  failed()
  console.error(error)
} finally {
  for (const each of open.reverse()) await each.close()
  process.exit(finish())
}
