// Runs cases in order, prints a line for each and counts them. A case that a counterpart cannot show says what it lacks.

const counts = { passed: 0, failed: 0, lacking: 0 }

/** The cases of one counterpart; printed together, because several run at once. */
export class Report {
  #lines = []

  constructor(title, lacks) {
    this.title = title
    this.lacks = lacks
  }

  /** Runs one case, unless the counterpart lacks what it needs. Later cases stand on their own. */
  async case(name, act) {
    if (this.lacks[name]) {
      counts.lacking += 1
      this.#lines.push(`  – ${name}: ${this.lacks[name]}`)
      return
    }
    const begun = Date.now()
    try {
      await act()
      counts.passed += 1
      const took = Date.now() - begun
      this.#lines.push(`  ✓ ${name}${took > 2000 ? ` (${(took / 1000).toFixed(1)} s)` : ''}`)
    } catch (error) {
      counts.failed += 1
      this.#lines.push(`  ✗ ${name}\n      ${error.stack?.split('\n').slice(0, 6).join('\n      ')}`)
    }
  }

  /** Notes that the counterpart could not even be run. */
  broken(error) {
    counts.failed += 1
    this.#lines.push(`  ✗ ${error.stack}`)
  }

  print() {
    console.log(`\n${this.title}\n${this.#lines.join('\n')}`)
  }
}

/** Prints the summary line and answers the exit code. */
export function finish() {
  console.log(`\n${counts.lacking} cases left out, each with what its counterpart lacks`)
  console.log(`upstream: ${counts.passed} passed, ${counts.failed} failed`)
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1
}
