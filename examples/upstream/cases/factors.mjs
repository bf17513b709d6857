// The provider's second factor, answered through ours.

import { assert, data, refused } from '../../journey/lib/expect.mjs'
import { claims } from '../jose.mjs'
import { PASSWORD } from './people.mjs'

export async function factors(report, world, peer) {
  const dora = 'dora@example.com'
  await peer.seed({ email: dora, password: PASSWORD, otp: true })
  const signedIn = async () => {
    const client = world.client()
    const { session } = data(await client.auth.signInWithPassword({ email: dora, password: PASSWORD }))
    return { client, session }
  }

  await report.case('a session that owes the factor of the provider opens nothing else', async () => {
    const { client, session } = await signedIn()
    assert.equal(claims(session.access_token).aal, 'aal1')
    const levels = data(await client.auth.mfa.getAuthenticatorAssuranceLevel())
    assert.deepEqual([levels.currentLevel, levels.nextLevel], ['aal1', 'aal2'])
    const token = session.access_token
    assert.equal((await world.call('GET', '/orgs/v1/orgs', { token })).body.code, 'insufficient_aal')
    const enrolment = { token, body: { factor_type: 'totp' } }
    assert.equal((await world.call('POST', '/auth/v1/factors', enrolment)).body.code, 'insufficient_aal')
    const code = { token, body: { code: 'aaaa-bbbb' } }
    const lost = await world.call('POST', '/auth/v1/factors/recovery_codes/verify', code)
    assert.equal(lost.body.code, 'insufficient_aal')
  })

  await report.case('the code of the provider opens a strong session', async () => {
    const { client, session } = await signedIn()
    const [factor] = data(await client.auth.mfa.listFactors()).totp
    const { id } = data(await client.auth.mfa.challenge({ factorId: factor.id }))
    const code = await peer.otp(dora)
    const opened = data(await client.auth.mfa.verify({ factorId: factor.id, challengeId: id, code }))
    const said = claims(opened.access_token)
    assert.equal(said.aal, 'aal2')
    assert.deepEqual(said.amr.map((one) => one.method).sort(), ['password', 'totp'])
    assert.equal((await world.call('GET', '/orgs/v1/orgs', { token: opened.access_token })).status, 200)
    assert.equal((await world.call('GET', '/auth/v1/user', { token: session.access_token })).status, 403, 'the weak one has ended')
  })

  await report.case('the provider upholds the session that its factor has opened', async () => {
    const { client } = await signedIn()
    const [factor] = data(await client.auth.mfa.listFactors()).totp
    const code = await peer.otp(dora)
    const opened = data(await client.auth.mfa.challengeAndVerify({ factorId: factor.id, code }))
    assert.equal((await world.refresh(opened.refresh_token)).status, 200)
  })

  await report.case('a wrong code opens nothing', async () => {
    const { client } = await signedIn()
    const [factor] = data(await client.auth.mfa.listFactors()).totp
    const { id } = data(await client.auth.mfa.challenge({ factorId: factor.id }))
    refused(await client.auth.mfa.verify({ factorId: factor.id, challengeId: id, code: '000000' }), 422, 'mfa_verification_failed')
  })
}
