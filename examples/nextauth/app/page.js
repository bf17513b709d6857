// The person's own row of Quoin's view `profiles`, read with their session: its policy lets nobody else's through.

import { getToken } from 'next-auth/jwt'
import { cookies, headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { quoin } from '../lib/quoin.js'
import { SignOut } from './sign-out.js'

export default async function Home() {
  const token = await getToken({ req: { cookies: await cookies(), headers: await headers() } })
  if (!token?.quoin) redirect('/sign-in')
  const bearer = token.quoin.access_token
  const rows = await quoin('/rest/v1/profiles?select=*', { method: 'GET', bearer }).catch((error) => {
    if (error.status === 401 || error.status === 403) return null
    throw error
  })
  if (!rows) redirect('/sign-in')
  return (
    <>
      <h1>Signed in</h1>
      <p id="who">{token.email}</p>
      <pre id="rows">{JSON.stringify(rows, null, 2)}</pre>
      <SignOut />
    </>
  )
}
