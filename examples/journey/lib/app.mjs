// A person's application: one page under a strict Content-Security-Policy that signs in from the URL it is opened with.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Notes</title>
<h1>Notes</h1>
<p id="who">Nobody is signed in.</p>
<script src="/supabase.js"></script>
<script src="/app.js"></script>
</html>`

/** Serves the application on a free port of this machine; `auth` are options of its client. */
export async function serveApp(world, auth = {}) {
  const library = join(dirname(createRequire(import.meta.url).resolve('@supabase/supabase-js')), 'umd/supabase.js')
  const script = `const client = supabase.createClient(${JSON.stringify(world.url)}, ${JSON.stringify(world.publishableKey)}, { auth: ${JSON.stringify(auth)} })
client.auth.getSession().then(({ data, error }) => {
  const who = document.getElementById('who')
  if (error) who.textContent = error.message
  if (data.session) who.textContent = 'Signed in as ' + data.session.user.email
  who.dataset.ready = 'yes'
})`
  const files = {
    '/': ['text/html; charset=utf-8', PAGE],
    '/app.js': ['text/javascript', script],
    '/supabase.js': ['text/javascript', await readFile(library)],
  }
  const server = createServer((request, response) => {
    const file = files[new URL(request.url, 'http://app').pathname]
    if (!file) return response.writeHead(404).end()
    const policy = `default-src 'none'; script-src 'self'; connect-src ${world.url}; base-uri 'none'; form-action 'none'`
    response.writeHead(200, { 'content-type': file[0], 'content-security-policy': policy }).end(file[1])
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() }
}
