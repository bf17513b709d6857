// Comparisons whose failure says what was there instead.

import assert from 'node:assert/strict'

export { assert }

/** Returns the data of a client's answer; an error in it ends the step with everything the server said. */
export function data(answer, what = 'the call') {
  if (answer.error) throw new Error(`${what} was refused: ${describe(answer.error)}`, { cause: answer.error })
  return answer.data
}

/** Returns the error of a client's answer and compares its status and code. */
export function refused(answer, status, code, what = 'the call') {
  assert.ok(answer.error, `${what} should be refused, but it answered ${JSON.stringify(answer.data)}`)
  const got = { status: answer.error.status ?? answer.status, code: answer.error.code }
  assert.equal(got.status, status, `${what}: ${describe(answer.error)}`)
  if (code) assert.equal(got.code, code, `${what}: ${describe(answer.error)}`)
  return answer.error
}

/** Compares the rows' values of one column. */
export function titles(rows, expected, what) {
  assert.deepEqual(rows.map((row) => row.title), expected, what)
}

function describe(error) {
  const { name, status, code, message, hint, details } = error
  return JSON.stringify({ name, status, code, message, hint, details })
}
