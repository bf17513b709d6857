//! What passed and what failed.

use std::time::Duration;

use crate::Outcome;

/// Counts results, in the words of whoever ran them.
#[derive(Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    reasons: Vec<String>,
}

impl Tally {
    /// Counts a summary line of Cargo's test runner: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn read_cargo(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.add("cargo test", number_before(result, " passed"), number_before(result, " failed"));
        }
    }

    /// Counts the summary line of a driver of ours, whatever its name: `journey: 41 passed, 2 failed`, alone on its line.
    pub(crate) fn read_driver(&mut self, line: &str) {
        let Some((name, counts)) = line.split_once(": ") else { return };
        let (passed, failed) = (number_before(counts, " passed"), number_before(counts, " failed"));
        if !name.contains(' ') && counts == format!("{passed} passed, {failed} failed") {
            self.add(name, passed, failed);
        }
    }

    /// Counts something that could not even report.
    pub(crate) fn fail(&mut self, name: &str, reason: &str) {
        println!("✗ {name}: {reason}");
        self.failed += 1;
        self.reasons.push(format!("{name}: {reason}"));
    }

    /// Returns how many results there are.
    pub(crate) fn total(&self) -> usize {
        self.passed + self.failed
    }

    /// Returns how many failed.
    pub(crate) fn failed(&self) -> usize {
        self.failed
    }

    /// Prints the last line and says whether all is well; nothing run is not well.
    pub(crate) fn finish(self, took: Duration) -> Outcome {
        println!();
        self.reasons.iter().for_each(|reason| println!("✗ {reason}"));
        println!("took {} s", took.as_secs());
        println!("{} passed, {} failed", self.passed, self.failed);
        match (self.passed, self.failed) {
            (0, 0) => Err("nothing ran".into()),
            (_, 0) => Ok(()),
            _ => Err("not everything passed".into()),
        }
    }

    fn add(&mut self, name: &str, passed: usize, failed: usize) {
        self.passed += passed;
        self.failed += failed;
        if failed > 0 {
            self.reasons.push(format!("{name}: {failed} failed"));
        }
    }
}

fn number_before(line: &str, word: &str) -> usize {
    let before = line.split(word).next().unwrap_or_default();
    before.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn summary_lines_are_counted() {
        let mut tally = Tally::default();
        tally.read_cargo("test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured");
        tally.read_driver("journey: 41 passed, 2 failed");
        tally.read_driver("✓ a step that says: 7 passed, 7 failed");
        tally.read_driver("journey: 7 passed, 7 failed, and more");
        assert_eq!((tally.passed, tally.failed), (44, 3));
    }
}
