#!/usr/bin/env node
// Drives a running Quoin the way an application, its people and its team do, with the real client library.
//
// Reading order: lib/world.mjs (where things are), then the chapters in the order of this file.

import * as administrator from './chapters/administrator.mjs'
import * as closing from './chapters/closing.mjs'
import * as colleagues from './chapters/colleagues.mjs'
import * as files from './chapters/files.mjs'
import * as people from './chapters/people.mjs'
import * as purchase from './chapters/purchase.mjs'
import * as restricted from './chapters/restricted.mjs'
import * as rows from './chapters/rows.mjs'
import * as tenants from './chapters/tenants.mjs'
import { serveApp } from './lib/app.mjs'
import { failed, finish } from './lib/steps.mjs'
import { readWorld, USAGE } from './lib/world.mjs'

const world = readWorld()
if (!world) {
  console.error(USAGE)
  process.exit(2)
}

const app = await serveApp(world)
try {
  const ada = world.restricted ? await restricted.signUp(world, app) : await people.signUp(world, app)
  await people.useTheSession(world, app, ada)
  await administrator.migrate(world)
  await rows.writeAndRead(world, ada)
  const eve = await tenants.keepStrangersOut(world, app, ada)
  // The processes that serve one room each beside this one keep no files.
  if (world.dataUrl === world.url) await files.keepFiles(world, ada, eve)
  await tenants.switchOrganisation(world, ada)
  await colleagues.inviteAndRemove(world, app, ada)
  await purchase.buyAndCancel(world, app, ada, eve)
  await administrator.watch(world, ada)
  await people.resetPassword(world, app, ada)
  await closing.signOut(world, ada)
  await closing.ban(world, ada)
  if (world.identityProcess) await closing.stopIdentity(world, ada)
} catch (error) {
  failed()
  console.error(`\n${error.stack}`)
} finally {
  app.close()
}
process.exit(finish())
