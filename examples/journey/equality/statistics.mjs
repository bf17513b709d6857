// How well could somebody guess? What is learnt from the first half of the figures is tried on the second.

/** Returns the middle value. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Learns the best limit between the two and returns the share of answers that it tells rightly. */
export function thresholdAccuracy(known, unknown) {
  const half = known.length >> 1
  const rule = learn(known.slice(0, half), unknown.slice(0, half))
  const right = share(known.slice(half), (ms) => ms > rule.limit === rule.knownIsSlower)
  const left = share(unknown.slice(half), (ms) => ms > rule.limit !== rule.knownIsSlower)
  return (right + left) / 2
}

/** Learns which of a pair is slower and returns the share of pairs that this tells rightly. */
export function pairsAccuracy(known, unknown) {
  const half = known.length >> 1
  const slower = known.map((ms, i) => ms > unknown[i])
  const knownIsSlower = share(slower.slice(0, half), Boolean) >= 0.5
  return share(slower.slice(half), (is) => is === knownIsSlower)
}

/** What a guess may reach by chance: 55 %, or where there are few figures, four standard deviations, so that many runs never fail by luck. */
export function tolerance(guesses) {
  return 0.5 + Math.max(0.05, 4 * Math.sqrt(0.25 / guesses))
}

/** How far the medians of so many pairs may lie apart: 5 ms at a thousand, more where chance moves them more. */
export function mediansMs(pairs) {
  return 5 * Math.max(1, Math.sqrt(1000 / pairs))
}

function learn(known, unknown) {
  const figures = [...known.map((ms) => [ms, 1]), ...unknown.map((ms) => [ms, -1])].sort((a, b) => a[0] - b[0])
  let best = { lead: -1, limit: 0, knownIsSlower: true }
  let below = 0
  for (const [ms, which] of figures) {
    below += which
    // With as many of both, the surplus of one kind below the limit is the surplus of the other above it.
    if (Math.abs(below) > best.lead) best = { lead: Math.abs(below), limit: ms, knownIsSlower: below < 0 }
  }
  return best
}

function share(values, is) {
  return values.filter(is).length / values.length
}
