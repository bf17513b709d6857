//! Why a wish about files is refused. Codes and messages are those of the storage contract where it has one.

use quoin_db::DbError;
use quoin_kernel::Problem;
use quoin_kernel::billing::LimitReached;
use quoin_web::entitlements::Denied;

use crate::images::ImageError;
use crate::model::resumable::ResumableError;
use crate::port::StoreError;

/// A refusal of this room.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No credential was sent.
    #[error("nobody is signed in")]
    SignInFirst,
    /// The API key does not hold a scope.
    #[error("the key lacks the scope {0}")]
    MissingScope(&'static str),
    /// Only platform keys choose whose objects they mean.
    #[error("only platform keys choose an owner")]
    NotYours,
    /// An organisation and a person were chosen.
    #[error("an organisation and a person were chosen")]
    TwoOwners,
    /// There is no such bucket, or it is not open to the caller.
    #[error("no such bucket")]
    NoSuchBucket,
    /// There is a bucket of this name.
    #[error("the bucket exists")]
    BucketExists,
    /// The bucket holds objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// Objects of different owners have one name, so the bucket cannot become public.
    #[error("names would collide")]
    NamesCollide,
    /// The bucket's name cannot be used.
    #[error("the bucket's name cannot be used")]
    InvalidBucketName,
    /// The size limit cannot be read.
    #[error("the size limit cannot be read")]
    InvalidSizeLimit,
    /// There is no such object, or it is another's.
    #[error("no such object")]
    NoSuchObject,
    /// There is an object of this name.
    #[error("the object exists")]
    ObjectExists,
    /// The object's name cannot be used.
    #[error("the object's name cannot be used")]
    InvalidName(String),
    /// The bucket does not take this type.
    #[error("the type {0} is not taken")]
    InvalidType(String),
    /// What was said about the bytes cannot be used.
    #[error("{0}")]
    InvalidDescription(&'static str),
    /// The object is larger than the bucket or the instance takes.
    #[error("the object is larger than {max_bytes} bytes")]
    TooLarge {
        /// The limit.
        max_bytes: u64,
    },
    /// The owner, or the person, may keep no more.
    #[error("the quota is used up")]
    OverQuota(Box<OverQuota>),
    /// The plan allows no more bytes.
    #[error(transparent)]
    Limit(LimitReached),
    /// The range begins after the end.
    #[error("the range cannot be satisfied")]
    InvalidRange {
        /// The object's size.
        size_bytes: u64,
    },
    /// The object is not what the caller expects.
    #[error("a precondition failed")]
    PreconditionFailed,
    /// The signed URL was not made here, or for something else.
    #[error("the signed URL is not valid")]
    InvalidTicket,
    /// The signed URL's time is over.
    #[error("the signed URL has expired")]
    ExpiredTicket,
    /// Whoever had the URL signed could not have it signed now.
    #[error("whoever had the URL signed could not do so any more")]
    RevokedTicket,
    /// There is no such upload, or it has been completed or given up.
    #[error("no such upload")]
    NoSuchUpload,
    /// What was uploaded is not what was announced.
    #[error("the upload is not what was announced: {0}")]
    UploadDiffers(&'static str),
    /// The form cannot be read.
    #[error("the form cannot be read: {0}")]
    InvalidForm(&'static str),
    /// The request's other parameters cannot be used.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// Policies do not permit it.
    #[error("a policy refuses this")]
    PolicyRefuses,
    /// A request of the protocol of resumable uploads is refused.
    #[error(transparent)]
    Resumable(ResumableError),
    /// A picture cannot be rendered.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// This process renders no pictures.
    #[error("no pictures are rendered here")]
    NoImages,
    /// A scanner refuses what is stored.
    #[error("a scanner refuses the object: {0}")]
    Scanned(String),
    /// A scanner cannot say what it thinks.
    #[error("a scanner failed")]
    ScannerFailed(#[source] Problem),
    /// The upload took so long that it was given up meanwhile.
    #[error("the upload lost its lease")]
    LostLease,
    /// The body stopped, or is refused.
    #[error(transparent)]
    Body(Problem),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
}

/// Whose quota is used up, and how.
#[derive(Debug, Clone, Copy)]
pub struct OverQuota {
    /// `organization` or `person`.
    pub subject: &'static str,
    /// `bytes` or `objects`.
    pub what: &'static str,
    /// The limit.
    pub limit: u64,
    /// What is used.
    pub used: u64,
    /// What would have been added.
    pub wanted: u64,
}

impl From<DbError> for FilesError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { index, .. } if index == "files_buckets_name" => Self::BucketExists,
            DbError::Unique { index, .. } if index == "files_objects_name" => Self::ObjectExists,
            DbError::Unique { index, .. } if index == "files_intents_pkey" => Self::LostLease,
            other => Self::Db(other),
        }
    }
}

impl From<Denied> for FilesError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limit(reached) => Self::Limit(reached),
            Denied::Db(error) => Self::Db(error),
        }
    }
}

impl From<StoreError> for FilesError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Source(problem) => Self::Body(problem),
            other => Self::Store(other),
        }
    }
}

impl From<FilesError> for Problem {
    fn from(error: FilesError) -> Self {
        match error {
            FilesError::SignInFirst => Self::unauthenticated(),
            FilesError::MissingScope(scope) => {
                Self::forbidden(format!("This API key lacks the scope {scope}."))
            }
            FilesError::NotYours => Self::forbidden("Only platform keys choose whose objects they mean."),
            FilesError::TwoOwners => {
                Self::invalid("Choose an organisation or a person, not both.").field("user", "org is set too")
            }
            FilesError::InvalidRequest(why) => Self::invalid(why),
            FilesError::Body(problem) => problem,
            FilesError::Store(error) => error.into(),
            FilesError::Db(error) => error.into(),
            FilesError::OverQuota(over) => over_quota(&over),
            FilesError::Limit(reached) => reached.into(),
            other => of_contract(other),
        }
    }
}

/// Says what the storage contract has words for.
fn of_contract(error: FilesError) -> Problem {
    let exists = "The resource already exists";
    match error {
        FilesError::NoSuchBucket => Problem::new(404, "NoSuchBucket", "Bucket not found"),
        FilesError::BucketExists => Problem::new(409, "BucketAlreadyExists", exists).error_word("Duplicate"),
        FilesError::BucketNotEmpty => {
            Problem::new(409, "ResourceNotEmpty", "The bucket you tried to delete is not empty")
                .hint("Empty it first; removed objects go in the background.")
        }
        FilesError::NamesCollide => {
            Problem::new(409, "ResourceAlreadyExists", "Objects of different owners have the same name")
                .error_word("Duplicate")
                .hint("In a public bucket each name is there once; rename or remove one of them.")
        }
        FilesError::InvalidBucketName => Problem::new(400, "InvalidBucketName", "Bucket name invalid").hint(
            "1 to 100 characters, letters, digits and marks that URLs can carry, no slash, no dot in front.",
        ),
        FilesError::InvalidSizeLimit => {
            Problem::new(400, "InvalidRequest", "Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        }
        FilesError::NoSuchObject => {
            Problem::new(404, "NoSuchKey", "Object not found").error_word("not_found")
        }
        FilesError::ObjectExists => Problem::new(409, "KeyAlreadyExists", exists).error_word("Duplicate"),
        FilesError::InvalidName(name) => {
            Problem::new(400, "InvalidKey", "Invalid key").detail(format!("Invalid key: {name}"))
        }
        FilesError::InvalidType(kind) => Problem::new(415, "InvalidMimeType", "The type is not supported")
            .detail(format!("mime type {kind} is not supported")),
        FilesError::InvalidDescription(why) => Problem::new(400, "InvalidRequest", why),
        FilesError::TooLarge { max_bytes } => {
            Problem::new(413, "EntityTooLarge", "The object exceeded the maximum allowed size")
                .hint(format!("At most {max_bytes} bytes go here."))
        }
        FilesError::InvalidRange { .. } => {
            Problem::new(416, "InvalidRange", "The range begins after the end")
        }
        FilesError::PreconditionFailed => {
            Problem::new(412, "PreconditionFailed", "The object is not what the request expects")
        }
        other => of_uploads(other),
    }
}

/// Says what concerns tickets and uploads.
fn of_uploads(error: FilesError) -> Problem {
    match error {
        FilesError::InvalidTicket => Problem::new(400, "InvalidJWT", "The signed URL is not valid"),
        FilesError::ExpiredTicket => Problem::new(400, "ExpiredToken", "The provided token has expired."),
        FilesError::RevokedTicket => Problem::new(400, "InvalidJWT", "The signed URL has been taken back")
            .detail("Whoever had it signed has signed out, has left, or holds a key that was revoked."),
        FilesError::NoSuchUpload => Problem::new(404, "NoSuchUpload", "Upload not found"),
        FilesError::UploadDiffers(why) => {
            Problem::new(409, "UploadDiffers", "The upload is not what was announced").detail(why)
        }
        FilesError::InvalidForm(why) => {
            Problem::new(400, "InvalidRequest", "The form cannot be read").detail(why)
        }
        FilesError::LostLease => {
            Problem::unavailable("upload_interrupted", "The upload was given up meanwhile; send it again", 1)
        }
        other => of_content(other),
    }
}

/// Says what concerns policies and what is in the bytes.
fn of_content(error: FilesError) -> Problem {
    match error {
        FilesError::PolicyRefuses => Problem::new(403, "42501", "new row violates row-level security policy")
            .error_word("Unauthorized")
            .detail("A policy on storage.objects does not permit this."),
        FilesError::Resumable(refusal) => {
            let (status, code) = refusal.status();
            Problem::new(status, code, "The upload cannot go on like this").detail(refusal.to_string())
        }
        FilesError::Image(error) => of_image(error),
        FilesError::NoImages => Problem::unavailable("images_off", "Pictures are not rendered here", 60),
        FilesError::Scanned(why) => {
            Problem::new(422, "content_refused", "A scanner refuses the object").detail(why)
        }
        FilesError::ScannerFailed(error) => {
            Problem::unavailable("scanner_unavailable", "The object cannot be scanned now", 5).source(error)
        }
        other => Problem::internal(other),
    }
}

fn of_image(error: ImageError) -> Problem {
    match error {
        ImageError::NotAPicture => Problem::new(422, "not_a_picture", "The object cannot be rendered")
            .detail("Only JPEG, PNG, GIF and WebP are."),
        ImageError::TooManyPixels { max_pixels } => {
            Problem::new(422, "too_many_pixels", "The picture is too large to be rendered")
                .detail(format!("At most {max_pixels} pixels are decoded."))
        }
        ImageError::Busy => Problem::unavailable("overloaded", "Too many pictures are being rendered now", 1),
        ImageError::Failed(source) => Problem::internal("a picture could not be rendered").source(source),
    }
}

fn over_quota(over: &OverQuota) -> Problem {
    let OverQuota { subject, what, limit, used, wanted } = *over;
    let detail = format!("The {subject} keeps {used} of {limit} {what} and cannot add {wanted}.");
    Problem::new(413, "quota_exceeded", "The storage quota is used up")
        .detail(detail)
        .hint("Remove objects, or have the limit raised.")
        .member("quota", serde_json::json!({"subject": subject, "of": what, "limit": limit, "used": used, "wanted": wanted}))
}
