// Jobs and mails that both nodes could run are run once; those of a killed node are run by the other, soon.

import { setTimeout as pause } from 'node:timers/promises'
import { assert } from '../lib/expect.mjs'
import { chapter, step } from '../lib/steps.mjs'

const MAILS = 40
/** How soon what a killed node was doing is done by the other, although its leases last for minutes. */
const TAKEOVER_MS = 25_000

/** Lets both nodes ask for mails that both could send. */
export async function shareWork({ first, second, mail }) {
  chapter('Work that both nodes could do')
  const addresses = await step('both nodes take sign-ups', () => signUpMany([first, second], 'shared'))
  await step('each mail is sent once', async () => {
    await until(() => addresses.every((address) => mail.to(address).length > 0), 10_000, 'the mails')
    // What is sent twice would come about now.
    await pause(1_500)
    addresses.forEach((address) => assert.equal(mail.to(address).length, 1, address))
  })
  await step('each job has run once', async (say) => {
    const { data: done } = await second.ask('GET', '/jobs/v1/jobs?state=done&type=mail.send&limit=1000', 200)
    assert.ok(done.length >= MAILS, `${done.length} done`)
    assert.ok(done.every((job) => job.attempt === 1), JSON.stringify(done.filter((job) => job.attempt !== 1)))
    say(`${done.length} jobs`)
  })
}

/** Kills the first node while mails are on their way. */
export async function killOne(nodes) {
  const { first, second, mail } = nodes
  chapter('One node is killed')
  mail.holds = true
  const addresses = await step('while mails of both are on their way', async (say) => {
    const asked = await signUpMany([first, second], 'killed')
    await until(() => mail.held.length >= 15, 10_000, 'mails that are held')
    say(`${mail.held.length} of ${MAILS}`)
    return asked
  })
  await step('the other sends all of them, each accepted once', async (say) => {
    process.kill(nodes.firstProcess, 'SIGKILL')
    const start = performance.now()
    await pause(200)
    mail.release()
    await until(() => addresses.every((address) => mail.to(address).length > 0), TAKEOVER_MS, 'the mails')
    say(`the last after ${((performance.now() - start) / 1000).toFixed(1)} s`)
    await pause(1_500)
    addresses.forEach((address) => assert.equal(mail.to(address).length, 1, address))
  })
  await step('some of them in a second try, and none is left', async (say) => {
    const again = await until(async () => {
      const { data: jobs } = await second.ask('GET', '/jobs/v1/jobs?type=mail.send&limit=1000', 200)
      return jobs.every((job) => job.state === 'done') && jobs.filter((job) => job.attempt === 2).length
    }, 5_000, 'the second tries')
    say(`${again} taken over`)
  })
}

/** Stops the second node in good order while a mail is on its way. */
export async function stopOne({ second, mail, secondProcess }) {
  chapter('The other is stopped')
  await step('a mail that is on its way is finished before the end', async (say) => {
    mail.holds = true
    const [address] = await signUpMany([second], 'stopped', 1)
    await until(() => mail.held.length === 1, 10_000, 'the mail')
    process.kill(secondProcess, 'SIGTERM')
    const start = performance.now()
    await pause(6_000)
    mail.release()
    await until(() => mail.to(address).length === 1, 2_000, 'the mail')
    await until(() => fetch(`${second.url}/healthz`).then(() => false, () => true), 10_000, 'the end')
    say(`${((performance.now() - start) / 1000).toFixed(1)} s after SIGTERM`)
  })
}

async function signUpMany(worlds, name, count = MAILS) {
  const addresses = Array.from({ length: count }, (_, i) => worlds[0].address(`${name}-${i}`))
  const asked = addresses.map((email, i) => {
    const body = { email, password: 'a long walk in the rain' }
    return worlds[i % worlds.length].ask('POST', '/auth/v1/signup', 200, { body })
  })
  await Promise.all(asked)
  return addresses
}

async function until(condition, patience, what) {
  for (const deadline = Date.now() + patience; Date.now() < deadline; await pause(20)) {
    const met = await condition()
    if (met) return met
  }
  return assert.fail(`${what}: not within ${patience / 1000} s`)
}
