// Quoin's HTTP API, as far as this application needs it.

const url = process.env.QUOIN_URL ?? 'http://127.0.0.1:8080'

/** Calls Quoin; a key or a person's token says who asks. Answers the body, or an error with its status and code. */
export async function quoin(path, { method = 'POST', bearer, body } = {}) {
  const answer = await fetch(url + path, {
    method,
    cache: 'no-store',
    headers: {
      apikey: process.env.QUOIN_PUBLISHABLE_KEY,
      ...(bearer && { authorization: `Bearer ${bearer}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  const json = text ? JSON.parse(text) : null
  if (answer.ok) return json
  throw Object.assign(new Error(json?.message ?? answer.statusText), { status: answer.status, code: json?.code })
}

/** Calls Quoin as the administrator of this application. Only the server has the key. */
export const asAdministrator = (path, options) => quoin(path, { ...options, bearer: process.env.QUOIN_SECRET_KEY })

/** What is kept of a session in the encrypted cookie. */
export const kept = ({ access_token, refresh_token, expires_at }) => ({ access_token, refresh_token, expires_at })
