// Tokens that the front signs with a key of its own, which it adds to what the provider publishes.

import { createHmac, generateKeyPairSync, sign } from 'node:crypto'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The key as it is published. */
export const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'front', alg: 'RS256', use: 'sig' }

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Reads the claims of a token without checking it. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
}

/** Signs claims as a provider does. */
export function signed(said) {
  const head = `${encode({ alg: 'RS256', kid: 'front', typ: 'JWT' })}.${encode(said)}`
  return `${head}.${sign('sha256', Buffer.from(head), privateKey).toString('base64url')}`
}

/** Writes claims that nobody has signed. */
export function unsigned(said) {
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(said)}.`
}

/** Signs claims with the published key as if it were a shared secret. */
export function confused(said) {
  const head = `${encode({ alg: 'HS256', kid: 'front', typ: 'JWT' })}.${encode(said)}`
  const secret = publicKey.export({ format: 'pem', type: 'spki' })
  return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
}

/** Signs claims with a key that nobody has published. */
export function foreign(said) {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const head = `${encode({ alg: 'RS256', kid: 'front', typ: 'JWT' })}.${encode(said)}`
  return `${head}.${sign('sha256', Buffer.from(head), other).toString('base64url')}`
}
