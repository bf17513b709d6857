// Asks the device for a passkey and sends its answer with the page's form. Everything else happens on the server.
'use strict'

const box = document.getElementById('ceremony')
const form = box.querySelector('form')
const failure = document.getElementById('failure')

function bytes(text) {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/')
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}

function text(buffer) {
  const letters = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('')
  return btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Turns the texts that stand for bytes in the server's options into bytes. */
function question(options) {
  options = options.publicKey ?? options
  const named = (credential) => ({ ...credential, id: bytes(credential.id) })
  const out = { ...options, challenge: bytes(options.challenge) }
  if (options.user) out.user = { ...options.user, id: bytes(options.user.id) }
  for (const list of ['excludeCredentials', 'allowCredentials']) {
    if (options[list]) out[list] = options[list].map(named)
  }
  return out
}

/** Writes what the device has answered as the server reads it. */
function answer(credential) {
  const response = {}
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (credential.response[name]) response[name] = text(credential.response[name])
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports()
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    extensions: credential.getClientExtensionResults(),
  })
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  failure.hidden = true
  try {
    const publicKey = question(JSON.parse(box.dataset.options))
    const create = box.dataset.ceremony === 'create'
    const credential = await navigator.credentials[create ? 'create' : 'get']({ publicKey })
    form.elements.credential.value = answer(credential)
    form.submit()
  } catch (error) {
    console.warn(error)
    failure.hidden = false
  }
})
