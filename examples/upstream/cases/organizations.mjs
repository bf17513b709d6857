// Organisations of the provider's are organisations here, one to one.

import { assert, data } from '../../journey/lib/expect.mjs'
import { claims } from '../jose.mjs'
import { PASSWORD } from './people.mjs'

export async function organizations(report, world, peer, front) {
  await report.case('organisations follow the provider', async () => {
    const acme = { id: 'org_acme', name: 'acme', display_name: 'Acme' }
    // Another one of the same name: ids decide.
    const other = { id: 'org_other', name: 'acme', display_name: 'Acme' }
    await peer.seed({ email: 'jo@example.com', password: PASSWORD, organizations: [acme] })
    await peer.seed({ email: 'kim@example.com', password: PASSWORD, organizations: [acme, other] })
    const signIn = async (email, org_id) => {
      front.rewrite = org_id ? (said) => ({ ...said, org_id }) : null
      const { session } = data(await world.client().auth.signInWithPassword({ email, password: PASSWORD }))
      front.rewrite = null
      const { body } = await world.call('GET', '/orgs/v1/orgs', { token: session.access_token })
      const named = body.data.filter((org) => org.name === 'Acme').map(({ id, role }) => ({ id, role }))
      return { said: claims(session.access_token), named }
    }
    const jo = await signIn('jo@example.com', 'org_acme')
    assert.equal(jo.named.length, 1)
    assert.deepEqual([jo.said.org_id, jo.said.org_role], [jo.named[0].id, 'owner'])
    const kim = await signIn('kim@example.com')
    assert.equal(kim.named.length, 2)
    const shared = kim.named.find((org) => org.id === jo.named[0].id)
    assert.equal(shared.role, 'member', 'the one that was there already, as a member')
    peer.person('kim@example.com').organizations = [other]
    const later = await signIn('kim@example.com')
    assert.deepEqual(later.named.map((org) => org.id), kim.named.map((org) => org.id).filter((id) => id !== shared.id))
    peer.person('jo@example.com').organizations = []
    assert.deepEqual((await signIn('jo@example.com')).named, [], 'not even the last owner stays against the provider')
    peer.person('kim@example.com').organizations = [acme]
    assert.deepEqual((await signIn('kim@example.com')).named, [{ id: shared.id, role: 'owner' }], 'the next of its people owns it')
  })
}
