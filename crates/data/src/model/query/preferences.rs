//! The header `Prefer`.

use crate::error::DataError;

/// Says what a write answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Return {
    /// Nothing.
    #[default]
    Minimal,
    /// Nothing but the header `Location`.
    HeadersOnly,
    /// The rows.
    Representation,
}

/// Says how rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// All of them.
    Exact,
    /// By the planner's guess.
    Planned,
    /// All of them up to a limit, then by guess.
    Estimated,
}

/// Says what an insert does with rows that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Changes them.
    MergeDuplicates,
    /// Leaves them.
    IgnoreDuplicates,
}

/// Holds the preferences of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// What a write answers with; absent where not said.
    pub returning: Option<Return>,
    /// How rows are counted; not at all where not said.
    pub count: Option<Count>,
    /// What happens to rows that exist.
    pub resolution: Option<Resolution>,
    /// Whether absent members of a body get their defaults instead of NULL.
    pub missing_default: bool,
    /// Whether unknown preferences are refused.
    pub strict: bool,
    /// How many rows may be changed at most.
    pub max_affected: Option<u64>,
    /// Whether the write is undone after it is answered.
    pub rollback: bool,
    applied: Vec<&'static str>,
}

impl Preferences {
    /// Reads the header's values.
    ///
    /// # Errors
    /// `PGRST122` for unknown preferences under `handling=strict`.
    pub fn parse<'h>(headers: impl Iterator<Item = &'h str>, may_roll_back: bool) -> Result<Self, DataError> {
        let mut read = Self::default();
        let mut invalid = Vec::new();
        for preference in headers.flat_map(|value| value.split(',')).map(str::trim) {
            match read.take(preference, may_roll_back) {
                Some(applied) => read.applied.push(applied),
                None if preference.is_empty() || preference.starts_with("max-affected=") => {}
                None if preference.starts_with("timezone=") => {}
                None => invalid.push(preference),
            }
        }
        if read.strict && !invalid.is_empty() {
            return Err(DataError::BadPreferences(invalid.join(", ")));
        }
        Ok(read)
    }

    /// Takes a preference and returns it as it is written; `None` where it is unknown.
    fn take(&mut self, preference: &str, may_roll_back: bool) -> Option<&'static str> {
        if let Some(most) = preference.strip_prefix("max-affected=") {
            self.max_affected = most.parse().ok();
            return None;
        }
        Some(match preference {
            "return=minimal" => self.answer(Return::Minimal, "return=minimal"),
            "return=headers-only" => self.answer(Return::HeadersOnly, "return=headers-only"),
            "return=representation" => self.answer(Return::Representation, "return=representation"),
            "count=exact" => self.counted(Count::Exact, "count=exact"),
            "count=planned" => self.counted(Count::Planned, "count=planned"),
            "count=estimated" => self.counted(Count::Estimated, "count=estimated"),
            "resolution=merge-duplicates" => {
                self.resolution = Some(Resolution::MergeDuplicates);
                "resolution=merge-duplicates"
            }
            "resolution=ignore-duplicates" => {
                self.resolution = Some(Resolution::IgnoreDuplicates);
                "resolution=ignore-duplicates"
            }
            "missing=default" => {
                self.missing_default = true;
                "missing=default"
            }
            "missing=null" => "missing=null",
            "handling=strict" => {
                self.strict = true;
                "handling=strict"
            }
            "handling=lenient" => "handling=lenient",
            "tx=commit" if may_roll_back => "tx=commit",
            "tx=rollback" if may_roll_back => {
                self.rollback = true;
                "tx=rollback"
            }
            _ => return None,
        })
    }

    fn answer(&mut self, returning: Return, text: &'static str) -> &'static str {
        self.returning = Some(returning);
        text
    }

    fn counted(&mut self, count: Count, text: &'static str) -> &'static str {
        self.count = Some(count);
        text
    }

    /// Returns how many rows may be changed; only `handling=strict` makes the number binding.
    pub fn binding_max_affected(&self) -> Option<u64> {
        self.max_affected.filter(|_| self.strict)
    }

    /// Returns the header `Preference-Applied`, where anything was applied that concerns this kind of request.
    pub fn applied(&self, is_read: bool) -> Option<String> {
        let concerns = |text: &&&str| {
            let about_writes =
                ["return=", "resolution=", "missing="].iter().any(|prefix| text.starts_with(prefix));
            !(is_read && about_writes)
        };
        let mut applied: Vec<String> =
            self.applied.iter().filter(concerns).map(|text| (*text).to_owned()).collect();
        if let Some(most) = self.binding_max_affected().filter(|_| !is_read) {
            applied.push(format!("max-affected={most}"));
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}
