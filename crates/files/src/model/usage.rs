//! How much an organisation or a person keeps, and how much they may.

/// How much may be kept; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes.
    pub max_bytes: Option<u64>,
    /// Objects.
    pub max_objects: Option<u64>,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Bytes.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes that announced uploads may still bring.
    pub reserved_bytes: u64,
    /// The limits of this subject alone; what they leave open is the configuration's.
    pub own_limits: Limits,
}

/// What a transaction adds; negative where it takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// Bytes.
    pub bytes: i64,
    /// Objects.
    pub objects: i64,
}

impl Limits {
    /// Fills what these limits leave open.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self {
            max_bytes: self.max_bytes.or(defaults.max_bytes),
            max_objects: self.max_objects.or(defaults.max_objects),
        }
    }
}

impl Usage {
    /// Returns how many bytes nobody else can take: what is kept, and what is announced.
    pub const fn taken_bytes(self) -> u64 {
        self.bytes.saturating_add(self.reserved_bytes)
    }
}

impl Change {
    /// Is one more object of this size.
    pub fn plus(size_bytes: u64) -> Self {
        Self { bytes: signed(size_bytes), objects: 1 }
    }

    /// Is one object of this size less.
    pub fn minus(size_bytes: u64) -> Self {
        Self { bytes: -signed(size_bytes), objects: -1 }
    }
}

impl std::ops::Add for Change {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, objects: self.objects + other.objects }
    }
}

/// Sizes are bounded by the largest object long before they leave this range.
pub fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
