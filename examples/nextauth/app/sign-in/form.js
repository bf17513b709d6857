'use client'

import { signIn } from 'next-auth/react'

export function Form() {
  const send = (event) => {
    event.preventDefault()
    signIn('email', { email: new FormData(event.currentTarget).get('email'), callbackUrl: '/' })
  }
  return (
    <form onSubmit={send}>
      <label>
        E-mail address <input name="email" type="email" required autoComplete="email" />
      </label>{' '}
      <button>Mail me a link</button>
    </form>
  )
}
