// What people see who come by a mail: the mail itself, the page of its link, the invitation, and the API's own page of links.

import { newMail } from '../lib/mailbox.mjs'
import { step } from '../lib/steps.mjs'

/** A host with an organisation and a guest without one, both of them known. */
async function cast(world, password) {
  const [host, guest] = [world.address('host'), world.address('guest')]
  for (const email of [host, guest]) {
    await world.ask('POST', '/auth/v1/admin/users', 200, { body: { email, password, email_confirm: true } })
  }
  const { data } = await world.client().auth.signInWithPassword({ email: host, password })
  const token = data.session.access_token
  const org = await world.ask('POST', '/orgs/v1/orgs', 201, { token, body: { name: 'Difference Engines' } })
  await world.ask('POST', `/orgs/v1/orgs/${org.id}/invitations`, 201, { token, body: { email: guest } })
  return guest
}

/** Looks at a mail outside of every page, whose policy would refuse the styles that mails carry along. */
async function read(guest, { html }, name) {
  await guest.page.goto('about:blank')
  await guest.page.setContent(html)
  await guest.camera.shoot(name)
}

export async function invited(world, password, visitor) {
  const guest = await visitor()
  let mail
  await step('an invitation reads well as a mail', async () => {
    mail = await newMail(world, await cast(world, password))
    await read(guest, mail, 'mail-invitation')
  })
  await step('its link leads through signing in to the organisation', async () => {
    await guest.page.goto(mail.links[0])
    await guest.camera.shoot('invitation-link')
    await guest.page.getByRole('link', { name: 'Continue', exact: true }).click()
    await guest.heading('Invitation')
    await guest.camera.shoot('invitation')
    await guest.page.getByRole('link', { name: 'Sign in', exact: true }).click()
    await guest.page.getByLabel('E-mail address').fill(mail.to)
    await guest.page.getByLabel('Password').fill(password)
    await guest.press('Sign in')
    await guest.heading('Invitation')
    await guest.camera.shoot('invitation-signed-in')
    await guest.press('Accept the invitation')
    await guest.page.getByText('Difference Engines').first().waitFor()
    await guest.camera.shoot('organisation-picker')
  })
  await step('the page of the API that mails links looks like the others', async () => {
    await guest.open('/auth/v1/magiclink')
    await guest.camera.shoot('api-magic-link')
    await guest.page.getByLabel('E-mail address').fill(mail.to)
    await guest.page.getByRole('button').first().click()
    const link = await newMail(world, mail.to, mail.count)
    await guest.camera.shoot('api-check-mail')
    await read(guest, link, 'mail-link')
  })
}
