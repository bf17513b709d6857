//! Tickets: what a signed URL carries. A ticket names purpose, bucket, object, owner and end, under an HMAC whose key
//! is derived from the instance's master key; it opens that one thing and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use quoin_kernel::hash::{equal_in_constant_time, hmac_sha256};
use quoin_kernel::seal::MasterKey;
use quoin_kernel::{Issuer, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BucketName, ObjectName, Owner, VersionId};
use crate::error::FilesError;
use crate::images::Transformation;

/// The longest ticket that is looked at, in bytes: the longest name in Base64 and some more.
const MAX_BYTES: usize = 4096;

/// What a ticket opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Reading the object.
    Read,
    /// Reading the object's picture as the ticket says.
    Render,
    /// Storing an object where there is none.
    Create,
    /// Storing an object, also in place of one.
    Replace,
    /// Sending the bytes of a direct upload that the disk keeps.
    Direct,
}

/// What a signed URL opens.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// What may be done.
    pub purpose: Purpose,
    /// In which bucket.
    pub bucket: BucketName,
    /// With which object.
    pub name: ObjectName,
    /// Whose object.
    pub owner: Owner,
    /// Who had it made: it opens nothing any more once they could not.
    pub issuer: Issuer,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// The direct upload that it is for.
    pub upload: Option<VersionId>,
    /// How the picture is wished that it shows.
    pub wish: Option<Transformation>,
}

/// A ticket as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    p: Purpose,
    b: String,
    n: String,
    k: String,
    o: Uuid,
    i: Issuer,
    e: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    u: Option<VersionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<Transformation>,
}

/// Makes and reads tickets.
#[derive(Debug, Clone)]
pub struct Signer(Secret<[u8; 32]>);

impl Signer {
    /// Derives the key of tickets.
    pub fn new(master_key: &MasterKey) -> Self {
        Self(master_key.derive("files.ticket"))
    }

    /// Writes a ticket for a URL.
    pub fn sign(&self, ticket: &Ticket) -> String {
        let written = Written {
            p: ticket.purpose,
            b: ticket.bucket.to_string(),
            n: ticket.name.to_string(),
            k: ticket.owner.kind().to_owned(),
            o: ticket.owner.id(),
            i: ticket.issuer,
            e: ticket.expires_at.as_micros(),
            u: ticket.upload,
            t: ticket.wish,
        };
        let json = serde_json::to_vec(&written).expect("texts and numbers are always JSON");
        let payload = URL_SAFE_NO_PAD.encode(json);
        let mac = hmac_sha256(self.0.expose(), payload.as_bytes());
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Reads a ticket that is presented `now`.
    ///
    /// # Errors
    /// [`FilesError::InvalidTicket`] for anything that [`Signer::sign`] has not made, [`FilesError::ExpiredTicket`] from
    /// the very moment of its end.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<Ticket, FilesError> {
        let (payload, mac) = text.split_once('.').ok_or(FilesError::InvalidTicket)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| FilesError::InvalidTicket)?;
        let expected = hmac_sha256(self.0.expose(), payload.as_bytes());
        if text.len() > MAX_BYTES || !equal_in_constant_time(&expected, &mac) {
            return Err(FilesError::InvalidTicket);
        }
        let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| FilesError::InvalidTicket)?;
        let written: Written = serde_json::from_slice(&json).map_err(|_| FilesError::InvalidTicket)?;
        let ticket = written.check()?;
        if now >= ticket.expires_at {
            return Err(FilesError::ExpiredTicket);
        }
        Ok(ticket)
    }
}

impl Written {
    fn check(self) -> Result<Ticket, FilesError> {
        Ok(Ticket {
            purpose: self.p,
            bucket: BucketName::new(&self.b)?,
            name: ObjectName::new(&self.n)?,
            owner: Owner::parse(&self.k, self.o).ok_or(FilesError::InvalidTicket)?,
            issuer: self.i,
            expires_at: Timestamp::from_micros(self.e),
            upload: self.u,
            wish: self.t,
        })
    }
}
