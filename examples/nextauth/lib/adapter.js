// NextAuth's adapter, with Quoin as the only store: verification tokens lie in its table of links, people and sessions are its
// own. What one request learns on the way is handed on within that request and kept nowhere.

import { AsyncLocalStorage } from 'node:async_hooks'
import { headers } from 'next/headers'
import { asAdministrator, kept, quoin } from './quoin.js'

const request = new AsyncLocalStorage()

/** Runs a request of NextAuth, so that the adapter's calls within it know of each other. */
export const withinRequest = (handler) => (...given) => request.run({}, () => handler(...given))

/** The network address of whoever asks, against which Quoin counts mails; trust the header only behind a proxy of yours. */
async function askedFrom() {
  const forwarded = (await headers()).get('x-forwarded-for')?.split(',').at(-1)?.trim()
  return forwarded?.replace(/^::ffff:/, '')
}

const person = (user) => ({
  id: user.id,
  email: user.email,
  name: user.user_metadata?.name ?? null,
  emailVerified: user.email_confirmed_at ? new Date(user.email_confirmed_at) : null,
})

export const adapter = {
  /** Quoin keeps the token's hash, ends older ones and counts the mail; NextAuth sends it. */
  async createVerificationToken({ identifier, token, expires }) {
    const body = { email: identifier, token, expires_at: expires.toISOString(), ip: await askedFrom() }
    const { email, expires_at } = await asAdministrator('/auth/v1/admin/verification_tokens', { body })
    return { identifier: email, token, expires: new Date(expires_at) }
  },

  /** Quoin uses the token up and opens a session, whose tokens end in the cookie. */
  async useVerificationToken({ identifier, token }) {
    try {
      const session = await quoin('/auth/v1/verify', { body: { type: 'magiclink', token_hash: token } })
      if (session.user.email !== identifier) {
        await quoin('/auth/v1/logout?scope=local', { bearer: session.access_token })
        return null
      }
      request.getStore().session = session
      return { identifier, token, expires: new Date(session.expires_at * 1000) }
    } catch (error) {
      if (error.status < 500) return null
      throw error
    }
  },

  /** Whoever has just used a token; before that nobody's account shows. */
  async getUserByEmail(email) {
    const session = request.getStore()?.session
    return session?.user.email === email ? person(session.user) : null
  },

  /** NextAuth notes that the address is verified, which Quoin has done; the tokens go along into the cookie. */
  async updateUser({ id }) {
    const { session } = request.getStore()
    if (session?.user.id !== id) throw new Error('only whoever signs in is updated')
    return { ...person(session.user), quoin: kept(session) }
  },

  async getUser(id) {
    try {
      return person(await asAdministrator(`/auth/v1/admin/users/${id}`, { method: 'GET' }))
    } catch (error) {
      if (error.status === 404) return null
      throw error
    }
  },

  /** Quoin has made the account when it kept the token. */
  async createUser() {
    throw new Error('Quoin makes accounts')
  },
}
