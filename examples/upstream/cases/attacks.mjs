// Tokens that prove nothing, and doors that are shut.

import { assert, data } from '../../journey/lib/expect.mjs'
import { claims, confused, foreign, signed, unsigned } from '../jose.mjs'
import { PASSWORD } from './people.mjs'

const FORGED = {
  'for another client': (said) => ({ ...said, aud: 'somebody-else', azp: 'somebody-else' }),
  'of another issuer': (said) => ({ ...said, iss: 'https://elsewhere.example' }),
  'that has expired': (said) => ({ ...said, exp: Math.floor(Date.now() / 1000) - 1 }),
  'that nobody has signed': unsigned,
  'signed with the public key as a secret': confused,
  'signed with a key that is not published': foreign,
  'without a subject': ({ sub: _, ...said }) => said,
}

export async function attacks(report, world, peer, front) {
  const fay = 'fay@example.com'
  await peer.seed({ email: fay, password: PASSWORD })
  const ask = (email = fay) =>
    world.call('POST', '/auth/v1/token?grant_type=password', { body: { email, password: PASSWORD } })

  for (const [kind, forge] of Object.entries(FORGED)) {
    await report.case(`a token ${kind} opens nothing`, async () => {
      front.rewrite = forge
      const answer = await ask()
      front.rewrite = null
      assert.deepEqual([answer.status, answer.body.code], [503, 'provider_unreachable'])
    })
  }

  await report.case('a refresh that names somebody else ends the session', async () => {
    const { body } = await ask()
    front.rewrite = (said) => ({ ...said, sub: 'somebody-else' })
    const answer = await world.refresh(body.refresh_token)
    front.rewrite = null
    assert.equal(answer.body.code, 'refresh_token_not_found')
  })

  await report.case('the same token signed as it must be opens a session', async () => {
    front.rewrite = (said) => signed(said)
    const answer = await ask()
    front.rewrite = null
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
  })

  await report.case('two people with one address are two people, and one of them has it', async () => {
    const first = (await ask()).body.user
    await peer.alias?.('a-second-subject')
    await peer.alias?.('a-third-subject')
    front.rewrite = (said) => ({ ...said, sub: 'a-second-subject' })
    const second = (await ask()).body.user
    front.rewrite = (said) => ({ ...said, sub: 'a-third-subject', email_verified: 'true' })
    const third = (await ask()).body.user
    front.rewrite = null
    assert.equal(new Set([first.id, second.id, third.id]).size, 3)
    assert.deepEqual([first.email, second.email, third.email], [fay, '', ''])
  })

  await report.case('an address counts as proved only by JSON true', async () => {
    await peer.seed({ email: 'gil@example.com', password: PASSWORD })
    const seen = []
    for (const email_verified of ['true', false, undefined, true]) {
      front.rewrite = (said) => ({ ...said, email_verified })
      seen.push((await ask('gil@example.com')).body.user.email)
    }
    front.rewrite = null
    assert.deepEqual(seen, ['', '', '', 'gil@example.com'])
  })

  await report.case('every door that attests nobody to the provider is shut', async () => {
    const token = (await ask()).body.access_token
    const shut = async (method, path, body, how = {}) => {
      const answer = await world.call(method, path, { body, ...how })
      assert.ok(answer.status >= 400 && answer.status < 500, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
      assert.equal(answer.body.access_token, undefined)
      return answer.body.code
    }
    const admin = { token: world.secretKey }
    const codes = [
      await shut('POST', '/auth/v1/otp', { email: fay }),
      await shut('POST', '/auth/v1/invite', { email: 'new@example.com' }, admin),
      await shut('POST', '/auth/v1/admin/generate_link', { email: fay, type: 'recovery' }, admin),
      await shut('POST', '/auth/v1/admin/users', { email: 'new@example.com', password_hash: '$2b$10$x' }, admin),
      await shut('POST', '/auth/v1/passkeys/authentication/options', {}),
      await shut('POST', '/auth/v1/passkeys/registration/options', {}, { token }),
      await shut('PUT', '/auth/v1/user', { email: 'new@example.com' }, { token }),
    ]
    assert.deepEqual(codes, codes.map(() => 'kept_by_provider'))
    assert.equal(await shut('POST', '/auth/v1/verify', { type: 'magiclink', email: fay, token: '12345678' }), 'otp_expired')
    assert.equal(await shut('POST', '/auth/v1/signup', {}), 'anonymous_provider_disabled')
    const { user } = data(await world.client().auth.signInWithPassword({ email: fay, password: PASSWORD }))
    const [way] = user.identities
    assert.equal(await shut('DELETE', `/auth/v1/user/identities/${way.identity_id}`, undefined, { token }), 'single_identity_not_deletable')
    assert.equal(claims(token).sub, user.id)
  })

  await report.case('guessing is limited in front of the provider', async () => {
    const guess = () => world.call('POST', '/auth/v1/token?grant_type=password', { body: { email: 'hal@example.com', password: 'no-such-1!' } })
    const answers = []
    for (let i = 0; i < 12; i += 1) answers.push((await guess()).status)
    assert.equal(answers.at(-1), 429)
    // Others may be asked about meanwhile: ends of sessions come through the queue.
    const asked = () => front.count((call) => call.body.includes('hal@example.com') || call.form.get('username') === 'hal@example.com')
    const before = asked()
    assert.ok(before > 0)
    assert.equal((await guess()).status, 429)
    assert.equal(asked(), before, 'the provider is not asked')
  })
}
