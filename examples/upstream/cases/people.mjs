// Signing up, in and out, with the unmodified client library.

import { assert, data, refused } from '../../journey/lib/expect.mjs'
import { claims } from '../jose.mjs'

export const PASSWORD = 'Walrus-teapot-1!'
const OTHER = 'Lantern-walrus-2!'

export async function people(report, world, peer, front) {
  const ann = 'ann@example.com'
  await peer.seed({ email: ann, password: PASSWORD })
  const signIn = (email, password = PASSWORD) => world.client().auth.signInWithPassword({ email, password })
  let session

  await report.case('the provider attests, and Quoin issues its own tokens', async () => {
    session = data(await signIn(ann)).session
    const said = claims(session.access_token)
    assert.equal(said.iss, `${world.url}/auth/v1`)
    assert.equal(said.email, ann)
    assert.deepEqual(said.amr.map((one) => one.method), ['password'])
    const [known] = session.user.identities
    assert.equal(known.provider, peer.settings(front).provider)
    assert.notEqual(known.id, said.sub, 'who it is there is not who it is here')
    assert.ok(said.org_id, 'a personal organisation is active')
    const again = data(await signIn(ann))
    assert.equal(again.user.id, said.sub)
  })

  await report.case('a wrong password and an unknown name are answered alike', async () => {
    const ask = async (email, password) => {
      const { status, body } = await world.call('POST', '/auth/v1/token?grant_type=password', { body: { email, password } })
      const { instance: _, ...told } = body
      return JSON.stringify({ status, told })
    }
    const wrong = await ask(ann, OTHER)
    assert.equal(wrong, await ask('nobody@example.com', OTHER))
    assert.match(wrong, /invalid_credentials/)
  })

  await report.case('a user name is accepted', async () => {
    const username = peer.usernames === false ? ann : 'bert'
    if (username === 'bert') await peer.seed({ email: 'bert@example.com', username, password: PASSWORD })
    const body = { username, password: PASSWORD }
    const answer = await world.call('POST', '/auth/v1/token?grant_type=password', { body })
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
  })

  await report.case('a sign-up is answered alike for new and known names', async () => {
    const signUp = async (email) => {
      const { data, error } = await world.client().auth.signUp({ email, password: PASSWORD, options: { data: { name: 'Cara' } } })
      assert.equal(error, null, JSON.stringify(error))
      assert.equal(data.session, null)
      return Object.keys(data.user).sort()
    }
    const fresh = await signUp('cara@example.com')
    assert.deepEqual(fresh, await signUp(ann))
    assert.ok(await peer.exists('cara@example.com'))
  })

  await report.case('a sign-up is confirmed with the code of the provider', async () => {
    refused(await signIn('cara@example.com'), 400, 'email_not_confirmed')
    const verify = (token) => world.client().auth.verifyOtp({ email: 'cara@example.com', token, type: 'signup' })
    refused(await verify('999999'), 403, 'otp_expired')
    const { error } = await verify(peer.mailedCode)
    assert.equal(error, null, JSON.stringify(error))
    const { user } = data(await signIn('cara@example.com'))
    assert.equal(user.user_metadata.name, 'Cara', 'what was said at the sign-up is kept here')
  })

  await report.case('a password is changed with the present one', async () => {
    const client = world.client()
    data(await client.auth.signInWithPassword({ email: ann, password: PASSWORD }))
    refused(await client.auth.updateUser({ password: OTHER, current_password: 'not-this-one-1!' }), 400, 'invalid_credentials')
    data(await client.auth.updateUser({ password: OTHER, current_password: PASSWORD }))
    refused(await signIn(ann), 400, 'invalid_credentials')
    data(await client.auth.updateUser({ password: PASSWORD }))
    data(await signIn(ann))
    refused(await client.auth.updateUser({ password: 'short' }), 422, 'weak_password')
  })

  await report.case('a reset is asked for alike by known and unknown addresses', async () => {
    const ask = (email) => world.call('POST', '/auth/v1/recover', { body: { email } })
    assert.deepEqual(await ask(ann), await ask('nobody@example.com'))
  })

  await report.case('a forgotten password is set with the code of the provider', async () => {
    const answer = await world.client().auth.resetPasswordForEmail(ann)
    assert.equal(answer.error, null)
    const verify = (more) => world.client().auth.verifyOtp({ email: ann, type: 'recovery', ...more })
    refused(await verify({ token: peer.mailedCode }), 400, 'validation_failed')
    refused(await verify({ token: '000000', password: OTHER }), 403, 'otp_expired')
    const opened = data(await verify({ token: peer.mailedCode, password: OTHER }))
    assert.equal(opened.user.email, ann)
    refused(await signIn(ann), 400, 'invalid_credentials')
    const client = world.client()
    data(await client.auth.signInWithPassword({ email: ann, password: OTHER }))
    data(await client.auth.updateUser({ password: PASSWORD, current_password: OTHER }))
  })

  await report.case('signing out ends the session at the provider too', async () => {
    const client = world.client()
    const { session } = data(await client.auth.signInWithPassword({ email: ann, password: PASSWORD }))
    const before = front.count(peer.isSignOut)
    assert.equal((await client.auth.signOut({ scope: 'local' })).error, null)
    await peer.until(() => front.count(peer.isSignOut) > before, 'the end at the provider')
    assert.equal((await world.refresh(session.refresh_token)).status, 400)
  })
}
