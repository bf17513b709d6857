// Runs steps in order, prints a line for each and counts them.

const counts = { passed: 0, failed: 0 }
let driver = 'journey'

/** Says what the summary line calls this program. */
export function name(text) {
  driver = text
}

/** Prints a heading. */
export function chapter(title) {
  console.log(`\n${title}`)
}

/**
 * Runs one step. What it returns is handed on; a text it returns through `say` is printed beside its name.
 * The first failure ends the journey, because every later step stands on the earlier ones.
 */
export async function step(name, act) {
  let note = ''
  try {
    const result = await act((text) => (note = text))
    counts.passed += 1
    console.log(`  ✓ ${name}${note && ` (${note})`}`)
    return result
  } catch (error) {
    counts.failed += 1
    console.log(`  ✗ ${name}`)
    throw error
  }
}

/** Prints the summary line and answers the exit code. */
export function finish() {
  console.log(`\n${driver}: ${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1
}

/** Notes a failure outside any step. */
export function failed() {
  if (counts.failed === 0) counts.failed = 1
}
