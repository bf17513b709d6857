//! Listing: one folder as people browse it, or everything below a prefix as programs read it.

use quoin_db::Tx;
use quoin_kernel::Timestamp;

use super::list_governed::{Governed, MOST, too_many};
use super::{Files, bucket};
use crate::error::FilesError;
use crate::model::name::fold;
use crate::model::{BucketName, Object, ObjectId, Requester};
use crate::store::listing::{self, Column, Order, Place, Shelf, Span};

/// The most entries of one list.
pub const MAX_LIMIT: u32 = 1000;

/// What a folder holds: folders first, then objects.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The folders' names without what is before them.
    pub folders: Vec<String>,
    /// The objects.
    pub objects: Vec<Object>,
    /// From where to go on.
    pub next: Option<String>,
}

/// How to sort, as the contract names it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sort<'a> {
    /// `name`, `created_at`, `updated_at` or `last_accessed_at`; the name where nothing is said.
    pub column: Option<&'a str>,
    /// `asc` or `desc`.
    pub order: Option<&'a str>,
}

impl Sort<'_> {
    fn check(self) -> Result<Order, FilesError> {
        let column = match self.column {
            None | Some("name") => Column::Name,
            Some("created_at") => Column::CreatedAt,
            // Reads are not written down, so the last change is the last access that is known.
            Some("updated_at" | "last_accessed_at") => Column::UpdatedAt,
            Some(_) => {
                return Err(FilesError::InvalidRequest(
                    "sortBy.column must be name, created_at or updated_at.",
                ));
            }
        };
        let descending = match self.order {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(FilesError::InvalidRequest("sortBy.order must be asc or desc.")),
        };
        Ok(Order { column, descending })
    }
}

/// A page of one folder.
#[derive(Debug, Clone, Default)]
pub struct FolderIn<'a> {
    /// The folder.
    pub folder: &'a str,
    /// What entries begin with, whatever the case.
    pub search: &'a str,
    /// How many entries.
    pub limit: u32,
    /// How many to skip.
    pub offset: u32,
    /// How to sort.
    pub sort: Sort<'a>,
}

/// Lists one folder of an owner's objects: folders by name, then objects.
///
/// # Errors
/// [`FilesError::NoSuchBucket`], [`FilesError::InvalidRequest`].
pub async fn list_folder(
    files: &Files,
    requester: &Requester,
    name: &BucketName,
    input: FolderIn<'_>,
) -> Result<Listing, FilesError> {
    let order = input.sort.check()?;
    let (owner, policies) = (requester.owner, requester.policies.clone());
    let limit = input.limit.clamp(1, MAX_LIMIT);
    // What is searched may name folders itself.
    let below = match input.folder.trim_matches('/') {
        "" => input.search.to_owned(),
        folder => format!("{folder}/{}", input.search),
    };
    let (folder, needle) = below.rsplit_once('/').unwrap_or(("", &below));
    let (folder, needle, offset, name) = (folder.to_owned(), fold(needle), input.offset, name.clone());
    files
        .db()
        .read("files.objects.list", move |tx| {
            let bucket = bucket(tx, &name)?;
            let shelf = Shelf { owner, bucket_id: bucket.id };
            if policies.decide(&bucket)? {
                let governed = Governed { shelf, bucket: &bucket, policies: &policies };
                return governed.folder(tx, (&folder, &needle), order, (limit, offset));
            }
            let descending = order.descending && order.column == Column::Name;
            let wanted = (offset as usize).saturating_add(limit as usize);
            let folders = folders(tx, shelf, (&folder, &needle), descending, wanted)?;
            let skipped = offset.min(u32::try_from(folders.len()).unwrap_or(u32::MAX));
            let folders: Vec<String> =
                folders.into_iter().skip(skipped as usize).take(limit as usize).collect();
            let left = limit - u32::try_from(folders.len()).unwrap_or(limit);
            let objects = if left == 0 {
                Vec::new()
            } else {
                listing::leaves(tx, shelf, (&folder, &needle), order, (left, offset - skipped))?
            };
            Ok(Listing { folders, objects, next: None })
        })
        .await
}

/// Finds the first folders directly below a folder, or the last ones where `descending`, jumping from one to the next
/// through the index: each costs a statement, so no more are looked for than are shown or skipped.
fn folders(
    tx: &mut Tx<'_>,
    shelf: Shelf,
    (folder, needle): (&str, &str),
    descending: bool,
    wanted: usize,
) -> Result<Vec<String>, FilesError> {
    let base = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let mut span = span_of(&base);
    let mut found = Vec::new();
    let mut looked_at = 0;
    while found.len() < wanted {
        let Some(name) = listing::next_below(tx, shelf, (&span, folder), descending)? else { break };
        if looked_at >= MOST {
            return Err(too_many());
        }
        looked_at += 1;
        let child = name[base.len()..].split_once('/').map_or("", |(child, _)| child);
        let whole = &name[..base.len() + child.len()];
        if descending {
            span.before = format!("{whole}/").into_bytes();
        } else {
            span.from = after_folder(whole);
        }
        if fold(child).starts_with(needle) {
            found.push(child.to_owned());
        }
    }
    Ok(found)
}

/// A page of everything below a prefix.
#[derive(Debug, Clone, Default)]
pub struct PrefixIn<'a> {
    /// What names begin with.
    pub prefix: &'a str,
    /// Whether what is below a further slash is shown as a folder.
    pub with_folders: bool,
    /// How many entries.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<&'a str>,
    /// How to sort.
    pub sort: Sort<'a>,
}

/// Lists an owner's objects below a prefix.
///
/// # Errors
/// [`FilesError::NoSuchBucket`], [`FilesError::InvalidRequest`].
pub async fn list_prefix(
    files: &Files,
    requester: &Requester,
    name: &BucketName,
    input: PrefixIn<'_>,
) -> Result<Listing, FilesError> {
    let order = input.sort.check()?;
    let cursor = input.cursor.map(Cursor::read).transpose()?;
    let (owner, policies) = (requester.owner, requester.policies.clone());
    let limit = input.limit.clamp(1, MAX_LIMIT);
    let (prefix, with_folders, name) = (input.prefix.to_owned(), input.with_folders, name.clone());
    files
        .db()
        .read("files.objects.list_prefix", move |tx| {
            let bucket = bucket(tx, &name)?;
            let shelf = Shelf { owner, bucket_id: bucket.id };
            if policies.decide(&bucket)? {
                let governed = Governed { shelf, bucket: &bucket, policies: &policies };
                return governed.prefix(tx, (&prefix, with_folders), order, (limit, cursor.as_ref()));
            }
            let page = Page { shelf, prefix: &prefix, with_folders, limit, order };
            match order.column {
                Column::Name => page.by_name(tx, cursor.as_ref()),
                _ => page.by_time(tx, cursor.as_ref()),
            }
        })
        .await
}

/// What one page of a prefix asks for.
struct Page<'a> {
    shelf: Shelf,
    prefix: &'a str,
    with_folders: bool,
    limit: u32,
    order: Order,
}

impl Page<'_> {
    /// Lists by name; a folder counts as an entry at its place.
    fn by_name(&self, tx: &mut Tx<'_>, cursor: Option<&Cursor>) -> Result<Listing, FilesError> {
        let mut span = span_of(self.prefix);
        if let Some(Cursor::Name(name)) = cursor {
            self.skip(&mut span, name);
        } else if cursor.is_some() {
            return Err(Cursor::unknown());
        }
        let mut listing = Listing::default();
        let mut left = self.limit;
        let mut last = None;
        loop {
            // One more than fits shows whether there is more.
            let rows = listing::by_name(tx, self.shelf, &span, self.order.descending, left + 1)?;
            let is_end = rows.len() <= left as usize;
            let mut jumped = false;
            for object in rows {
                if left == 0 {
                    listing.next = last.map(|name| Cursor::Name(name).write());
                    return Ok(listing);
                }
                left -= 1;
                let entry = if let Some(folder) = self.folder_of(&object) {
                    listing.folders.push(folder.clone());
                    jumped = true;
                    folder
                } else {
                    let name = object.name.to_string();
                    listing.objects.push(object);
                    name
                };
                self.skip(&mut span, &entry);
                last = Some(entry);
                if jumped {
                    break;
                }
            }
            if is_end && !jumped {
                return Ok(listing);
            }
        }
    }

    /// Lists by time: the folders by name on the first page, then the objects of this level.
    fn by_time(&self, tx: &mut Tx<'_>, cursor: Option<&Cursor>) -> Result<Listing, FilesError> {
        let (folder, needle) = self.prefix.rsplit_once('/').unwrap_or(("", self.prefix));
        let mut listing = Listing::default();
        let place = match cursor {
            Some(Cursor::Time(place)) => *place,
            Some(Cursor::Name(_)) => return Err(Cursor::unknown()),
            None => {
                if self.with_folders {
                    let base = &self.prefix[..self.prefix.len() - needle.len()];
                    let found = folders(tx, self.shelf, (folder, ""), false, usize::MAX)?;
                    let wanted = found.into_iter().filter(|child| child.starts_with(needle));
                    listing.folders = wanted.map(|child| format!("{base}{child}/")).collect();
                }
                edge(self.order.descending)
            }
        };
        let level = self.with_folders.then_some(folder);
        let span = span_of(self.prefix);
        let mut rows = listing::by_time(tx, self.shelf, (&span, level), self.order, (place, self.limit + 1))?;
        if rows.len() > self.limit as usize {
            rows.truncate(self.limit as usize);
            let is_created = self.order.column == Column::CreatedAt;
            listing.next = rows.last().map(|row| {
                let at = if is_created { row.created_at } else { row.updated_at };
                Cursor::Time(Place { at, id: row.id }).write()
            });
        }
        listing.objects = rows;
        Ok(listing)
    }

    /// The folder, with its slash, in which an object is hidden from this level.
    fn folder_of(&self, object: &Object) -> Option<String> {
        let below = object.name.as_str().get(self.prefix.len()..)?;
        let end = below.find('/').filter(|_| self.with_folders)?;
        Some(format!("{}{}/", self.prefix, &below[..end]))
    }

    /// Narrows a span to what comes after an entry.
    fn skip(&self, span: &mut Span, entry: &str) {
        match (self.order.descending, entry.strip_suffix('/')) {
            (false, Some(folder)) => span.from = after_folder(folder),
            (false, None) => span.from = after(entry),
            (true, _) => span.before = entry.as_bytes().to_vec(),
        }
    }
}

/// Where a page ended.
#[derive(Debug, Clone)]
pub(super) enum Cursor {
    Name(String),
    Time(Place),
}

impl Cursor {
    pub(super) fn write(&self) -> String {
        use base64::Engine as _;
        let text = match self {
            Self::Name(name) => format!("n{name}"),
            Self::Time(place) => format!("t{} {}", place.at.as_micros(), place.id),
        };
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    }

    fn read(text: &str) -> Result<Self, FilesError> {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(Self::unknown)?;
        if let Some(name) = text.strip_prefix('n') {
            return Ok(Self::Name(name.to_owned()));
        }
        let (at, id) =
            text.strip_prefix('t').and_then(|rest| rest.split_once(' ')).ok_or_else(Self::unknown)?;
        let at = at.parse().map(Timestamp::from_micros).map_err(|_| Self::unknown())?;
        Ok(Self::Time(Place { at, id: id.parse().map_err(|_| Self::unknown())? }))
    }

    pub(super) fn unknown() -> FilesError {
        FilesError::InvalidRequest("cursor is not one that this list has given.")
    }
}

/// The place before all others, in the direction of the list.
fn edge(descending: bool) -> Place {
    // The years 1970 and 9999: no object is older or younger.
    let (at, id) = if descending { (253_402_000_000_000_000, u128::MAX) } else { (0, 0) };
    Place { at: Timestamp::from_micros(at), id: ObjectId::from_uuid(uuid::Uuid::from_u128(id)) }
}

/// Everything that begins with a prefix. No byte of UTF-8 is 255.
pub(super) fn span_of(prefix: &str) -> Span {
    let mut before = prefix.as_bytes().to_vec();
    before.push(u8::MAX);
    Span { from: prefix.as_bytes().to_vec(), before }
}

/// What comes next after a name, which may begin with it.
pub(super) fn after(name: &str) -> Vec<u8> {
    let mut next = name.as_bytes().to_vec();
    next.push(0);
    next
}

/// What comes after everything in a folder: `0` follows `/`.
fn after_folder(folder: &str) -> Vec<u8> {
    let mut next = folder.as_bytes().to_vec();
    next.push(b'/' + 1);
    next
}
