// What the team does with people whom the provider keeps.

import { assert, data, refused } from '../../journey/lib/expect.mjs'
import { PASSWORD } from './people.mjs'

export async function administration(report, world, peer) {
  const ivo = 'ivo@example.com'
  const admin = world.admin()
  const signIn = () => world.client().auth.signInWithPassword({ email: ivo, password: PASSWORD })
  let id

  await report.case('an account made by the team is made at the provider', async () => {
    const made = { email: ivo, password: PASSWORD, email_confirm: true, user_metadata: { name: 'Ivo' } }
    id = data(await admin.createUser(made)).user.id
    assert.ok(await peer.exists(ivo))
    refused(await admin.createUser(made), 422, 'email_exists')
    const { user } = data(await signIn())
    assert.deepEqual([user.id, user.email, user.user_metadata.name], [id, ivo, 'Ivo'])
    assert.equal(data(await admin.getUserById(id)).user.email, ivo)
    assert.ok(data(await admin.listUsers()).users.some((one) => one.id === id))
  })

  await report.case('a ban holds at once, and is carried over to the provider', async () => {
    const { session } = data(await signIn())
    data(await admin.updateUserById(id, { ban_duration: '24h' }))
    assert.equal((await world.call('GET', '/auth/v1/user', { token: session.access_token })).status, 403)
    await peer.until(async () => !(await peer.isEnabled(ivo)), 'the ban at the provider')
    assert.ok((await signIn()).error)
    data(await admin.updateUserById(id, { ban_duration: 'none' }))
    await peer.until(() => peer.isEnabled(ivo), 'the end of the ban at the provider')
    data(await signIn())
  })

  await report.case('a password set by the team is set at the provider, and ends sessions', async () => {
    const { session } = data(await signIn())
    const password = 'Teapot-lantern-3!'
    data(await admin.updateUserById(id, { password }))
    assert.equal((await world.refresh(session.refresh_token)).status, 400)
    refused(await signIn(), 400, 'invalid_credentials')
    data(await world.client().auth.signInWithPassword({ email: ivo, password }))
    data(await admin.updateUserById(id, { password: PASSWORD }))
  })

  await report.case('an account erased by the team is erased at the provider', async () => {
    const { session } = data(await signIn())
    data(await admin.deleteUser(id))
    assert.equal(await peer.exists(ivo), false)
    refused(await signIn(), 400, 'invalid_credentials')
    assert.equal((await world.refresh(session.refresh_token)).status, 400)
  })
}
