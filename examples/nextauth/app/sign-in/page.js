import { Form } from './form.js'

const failures = {
  Verification: 'This link works once and for a few minutes. Ask for another one.',
  EmailSignin: 'The mail could not be sent. Wait a little, then try again.',
}

export default async function SignIn({ searchParams }) {
  const { error } = await searchParams
  return (
    <>
      <h1>Sign in</h1>
      {error && <p role="alert">{failures[error] ?? 'That did not work. Try again.'}</p>}
      <Form />
    </>
  )
}
