import NextAuth from 'next-auth'
import { withinRequest } from '../../../../lib/adapter.js'
import { authOptions } from '../../../../lib/auth.js'

const handler = withinRequest(NextAuth(authOptions))

export { handler as GET, handler as POST }
