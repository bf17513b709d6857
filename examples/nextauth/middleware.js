// Continues Quoin's session before a page is made: only here, and in routes, can the cookie be replaced.

import { encode, getToken } from 'next-auth/jwt'
import { NextResponse } from 'next/server'
import { kept, quoin } from './lib/quoin.js'

/** Seconds before its end at which an access token is replaced. */
const EARLY = 30

export const config = { matcher: ['/'] }

export async function middleware(request) {
  const token = await getToken({ req: request })
  if (!token?.quoin || token.quoin.expires_at - Date.now() / 1000 > EARLY) return NextResponse.next()
  const name = request.cookies.getAll().find((cookie) => cookie.name.endsWith('next-auth.session-token')).name
  try {
    const body = { refresh_token: token.quoin.refresh_token }
    const session = await quoin('/auth/v1/token?grant_type=refresh_token', { body })
    const value = await encode({ token: { ...token, quoin: kept(session) }, secret: process.env.NEXTAUTH_SECRET })
    request.cookies.set(name, value)
    const response = NextResponse.next({ request })
    response.cookies.set(name, value, { httpOnly: true, sameSite: 'lax', path: '/', secure: name.startsWith('__Secure-') })
    return response
  } catch (error) {
    if (!(error.status < 500)) throw error
    // Signed out elsewhere, banned, or gone.
    const response = NextResponse.redirect(new URL('/sign-in', request.url))
    response.cookies.delete(name)
    return response
  }
}
