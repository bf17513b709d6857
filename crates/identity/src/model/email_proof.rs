//! By what an address was proved.

/// Says why an address counts as proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmailProof {
    /// Its reader has used a link or code that was mailed to it.
    Mail,
    /// A provider that may speak for it has attested it.
    Provider,
    /// An administrator says so.
    Administrator,
    /// Nobody has shown anything: the configuration believed every address (`unverified = "autoconfirm"`). It counts as
    /// long as that is so.
    Believed,
}

impl EmailProof {
    /// Every proof.
    pub const ALL: [Self; 4] = [Self::Mail, Self::Provider, Self::Administrator, Self::Believed];

    /// Returns the text that rows carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Provider => "provider",
            Self::Administrator => "administrator",
            Self::Believed => "believed",
        }
    }

    /// Reads the text back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.as_str() == text)
    }
}
