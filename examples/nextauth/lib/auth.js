// NextAuth's settings: the e-mail provider over the SMTP server that Quoin uses too, and a cookie that holds Quoin's session.

import EmailProvider from 'next-auth/providers/email'
import { adapter } from './adapter.js'
import { quoin } from './quoin.js'

export const authOptions = {
  adapter,
  // The adapter's own sessions would need a table; Quoin's tokens in an encrypted cookie need none.
  session: { strategy: 'jwt' },
  pages: { signIn: '/sign-in', verifyRequest: '/check-mail', error: '/sign-in' },
  providers: [
    EmailProvider({ server: process.env.EMAIL_SERVER, from: process.env.EMAIL_FROM, maxAge: 10 * 60 }),
  ],
  callbacks: {
    jwt: ({ token, user }) => (user?.quoin ? { ...token, quoin: user.quoin } : token),
    // What browsers may read: who somebody is, never their tokens.
    session: ({ session, token }) => ({ ...session, user: { ...session.user, id: token.sub } }),
  },
  events: {
    /** Signing out here ends the session at Quoin. One that has ended already is signed out too. */
    async signOut({ token }) {
      await quoin('/auth/v1/logout?scope=local', { bearer: token?.quoin?.access_token }).catch((error) => {
        if (!(error.status < 500)) throw error
      })
    },
  },
}
