// An organisation proves its domain, brings its provider along, and makes it the only way in.

import { assert, data, refused } from '../lib/expect.mjs'
import { step } from '../lib/steps.mjs'

const password = 'walrus-teapot-lantern'

export async function sso(world, apps, browser, { issuer, secret, dns }) {
  const domain = `corp-${world.run}.example`
  const [owner, bob] = [`owner@${domain}`, `bob@${domain}`]
  const admin = world.administrator().auth.admin
  data(await admin.createUser({ email: owner, password, email_confirm: true }))
  const known = data(await admin.createUser({ email: bob, password, email_confirm: true })).user
  const signedIn = async (email) => data(await world.client().auth.signInWithPassword({ email, password })).session
  let token = (await signedIn(owner)).access_token
  const { id: org } = await world.ask('POST', '/orgs/v1/orgs', 201, { token, body: { name: 'Corp' } })
  const path = `/orgs/v1/orgs/${org}`
  const signIn = `client.auth.signInWithSSO({ domain: '${domain}', options: { redirectTo: location.origin } })`

  /** The pages are the person's own: a session of the organisation's provider opens none of them. */
  const seesNoPages = async (access) => {
    for (const page of ['/account', '/account/security', '/account/sessions', '/account/organisations', '/new-password']) {
      const answer = await fetch(world.url + page, { headers: { cookie: `quoin-access=${access}` }, redirect: 'manual' })
      assert.equal(answer.status, 403, page)
      assert.ok((await answer.text()).includes('for that organisation alone'), page)
    }
  }

  await step('the owner proves the domain with a record in DNS', async () => {
    const { record } = await world.ask('POST', `${path}/domains`, 201, { token, body: { domain } })
    const early = await world.call('POST', `${path}/domains/${domain}/verify`, { token })
    assert.deepEqual([early.status, early.json.code], [409, 'domain_not_proved'])
    dns.records.set(record.name, ['v=spf1 -all', record.value])
    const { status } = await world.ask('POST', `${path}/domains/${domain}/verify`, 200, { token })
    assert.equal(status, 'verified')
  })

  await step('and connects the provider of the organisation', async () => {
    const before = await world.client().auth.signInWithSSO({ domain })
    refused(before, 404, 'sso_provider_not_found', 'single sign-on before there is any')
    await world.ask('PUT', `${path}/sso`, 200, { token, body: { issuer, client_id: 'quoin', client_secret: secret } })
  })

  await step('a colleague with a password comes through it with signInWithSSO and is the same person', async () => {
    for (const app of [apps.implicit, apps.pkce]) {
      const person = await browser.traveller(app)
      assert.equal(await person.leave(signIn), null)
      await person.passProvider(bob)
      assert.equal(await person.landed(), `Signed in as ${bob}`)
      const claims = await person.claims()
      assert.deepEqual([claims.sub, claims.org_id, claims.org_role, claims.sso_org_id], [known.id, org, 'member', org])
      refused(await person.ask(`client.auth.updateUser({ password: 'lantern-teapot-walrus' })`), 403, 'session_confined')
      await seesNoPages((await person.ask('client.auth.getSession()')).data.session.access_token)
    }
  })

  await step('the provider may not speak for anybody else', async () => {
    const person = await browser.traveller(apps.implicit)
    await person.leave(signIn)
    await person.passProvider(world.address('ann'))
    await person.page.waitForURL((url) => url.href.startsWith(apps.implicit.url))
    assert.equal(new URL(person.page.url()).searchParams.get('error_code'), 'sso_address_not_allowed')
  })

  await step('once it is required every other way in is shut, but for the owner who may open it again', async () => {
    const session = await signedIn(bob)
    await world.ask('PUT', `${path}/policy`, 200, { token, body: { sso_required: true } })
    refused(await world.client().auth.signInWithPassword({ email: bob, password }), 403, 'sso_required')
    refused(await world.client().auth.refreshSession(session), 403, 'sso_required')
    const person = await browser.traveller(apps.implicit)
    await person.leave(signIn)
    await person.passProvider(bob)
    assert.equal(await person.landed(), `Signed in as ${bob}`)
    const other = await browser.traveller(apps.implicit)
    await other.page.goto(`${world.url}/sign-in?redirect_to=${apps.implicit.url}`)
    await other.page.getByLabel('E-mail address').fill(bob)
    await other.page.getByLabel('Password').fill(password)
    await other.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.page.getByRole('link', { name: 'Sign in through your organisation' }).click()
    await other.passProvider(bob)
    assert.equal(await other.landed(), `Signed in as ${bob}`)
    token = (await signedIn(owner)).access_token
    await world.ask('PUT', `${path}/policy`, 200, { token, body: {} })
    await signedIn(bob)
  })
}
