// The doors that anybody may knock at with any address, and the kinds of addresses that are known.

const PASSWORD = 'a long walk in the rain'

/** What may be known about an address. */
export const KINDS = ['confirmed', 'unconfirmed', 'banned', 'without a password']

/** The doors, as path and body for an address. */
const DOORS = [
  { name: 'sign-in', path: '/auth/v1/token?grant_type=password', body: (email) => ({ email, password: 'not this one' }) },
  { name: 'sign-up', path: '/auth/v1/signup', body: (email) => ({ email, password: PASSWORD }) },
  { name: 'recovery', path: '/auth/v1/recover', body: (email) => ({ email }) },
  { name: 'resend', path: '/auth/v1/resend', body: (email) => ({ type: 'signup', email }) },
  { name: 'magic link', path: '/auth/v1/otp', body: (email) => ({ email, create_user: true }) },
  { name: 'magic link without sign-up', path: '/auth/v1/otp', body: (email) => ({ email, create_user: false }) },
]

/** Lists the doors that this server has. */
export async function doorsOf(world) {
  const document = await (await fetch(`${world.url}/openapi.json`)).json()
  return DOORS.filter((door) => document.paths[door.path.split('?')[0]]?.post)
}

/** Makes an address known in one way. */
export async function makeKnown(world, email, kind) {
  const wish = { email, email_confirm: kind !== 'unconfirmed' }
  if (kind !== 'without a password') wish.password = PASSWORD
  const user = await world.ask('POST', '/auth/v1/admin/users', 200, { body: wish })
  if (kind === 'banned') {
    await world.ask('PUT', `/auth/v1/admin/users/${user.id}`, 200, { body: { ban_duration: '24h' } })
  }
}
