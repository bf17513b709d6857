//! Who hears of which events.

/// Says which jobs each event becomes. Built once in `server`, the same in every process, whatever rooms it serves:
/// the process that turns an event into jobs need not be the one that runs them.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions(Vec<(&'static str, &'static str)>);

impl Subscriptions {
    /// Adds: an event named `event` becomes a job of type `job`.
    #[must_use]
    pub fn on(mut self, event: &'static str, job: &'static str) -> Self {
        self.0.push((event, job));
        self
    }

    /// Returns the types of the jobs that `event` becomes.
    pub fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        self.0.iter().filter(move |(name, _)| *name == event).map(|(_, job)| *job)
    }
}
