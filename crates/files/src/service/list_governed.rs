//! Lists of a bucket in which policies decide: objects are looked at in the order of their names, policies are asked about
//! some at a time, and what they hide is neither shown nor counted, folders that hold nothing else included.

use quoin_db::Tx;
use quoin_policy::object_guard::Act;

use super::list::{Cursor, Listing, after, span_of};
use super::policies::Policies;
use crate::error::FilesError;
use crate::model::name::fold;
use crate::model::{Bucket, Object};
use crate::store::listing::{self, Column, Order, Shelf};

/// How many objects are looked at in one statement.
const BATCH: u32 = 500;
/// How many objects, or folders, one list looks at: more of them want a narrower prefix.
pub(super) const MOST: usize = 50_000;

/// A shelf in a bucket where policies decide.
pub(super) struct Governed<'a> {
    pub(super) shelf: Shelf,
    pub(super) bucket: &'a Bucket,
    pub(super) policies: &'a Policies,
}

impl Governed<'_> {
    /// Lists one folder: folders first, then objects.
    pub(super) fn folder(
        &self,
        tx: &mut Tx<'_>,
        (folder, needle): (&str, &str),
        order: Order,
        (limit, offset): (u32, u32),
    ) -> Result<Listing, FilesError> {
        let base = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let (mut folders, mut objects): (Vec<String>, Vec<Object>) = (Vec::new(), Vec::new());
        self.visible(tx, (&base, None), |object| {
            let below = &object.name.as_str()[base.len()..];
            let (child, is_folder) = below.split_once('/').map_or((below, false), |(child, _)| (child, true));
            if fold(child).starts_with(needle) {
                match (is_folder, folders.last()) {
                    (false, _) => objects.push(object),
                    // Names come in order, so what is in one folder comes together.
                    (true, Some(last)) if last == child => {}
                    (true, _) => folders.push(child.to_owned()),
                }
            }
            true
        })?;
        folders.dedup();
        sort(&mut objects, order);
        if order.descending && order.column == Column::Name {
            folders.reverse();
        }
        let (offset, limit) = (offset as usize, limit as usize);
        let in_front = folders.len();
        let folders: Vec<String> = folders.into_iter().skip(offset).take(limit).collect();
        let left = limit - folders.len();
        let objects = objects.into_iter().skip(offset.saturating_sub(in_front)).take(left).collect();
        Ok(Listing { folders, objects, next: None })
    }

    /// Lists a page of everything below a prefix, by name.
    pub(super) fn prefix(
        &self,
        tx: &mut Tx<'_>,
        (prefix, with_folders): (&str, bool),
        order: Order,
        (limit, cursor): (u32, Option<&Cursor>),
    ) -> Result<Listing, FilesError> {
        if order.column != Column::Name || order.descending {
            return Err(FilesError::InvalidRequest(
                "Where policies decide, pages come in the order of names.",
            ));
        }
        let start = match cursor {
            None => None,
            Some(Cursor::Name(name)) => Some(name.as_str()),
            Some(Cursor::Time(_)) => return Err(Cursor::unknown()),
        };
        let mut listing = Listing::default();
        let mut last: Option<String> = start.map(str::to_owned);
        let mut is_more = false;
        self.visible(tx, (prefix, start), |object| {
            let below = &object.name.as_str()[prefix.len()..];
            let folder =
                below.find('/').filter(|_| with_folders).map(|end| format!("{prefix}{}/", &below[..end]));
            let entry = folder.clone().unwrap_or_else(|| object.name.to_string());
            if last.as_ref() == Some(&entry) {
                return true;
            }
            if listing.folders.len() + listing.objects.len() >= limit as usize {
                is_more = true;
                return false;
            }
            match folder {
                Some(folder) => listing.folders.push(folder),
                None => listing.objects.push(object),
            }
            last = Some(entry);
            true
        })?;
        listing.next = last.filter(|_| is_more).map(|last| Cursor::Name(last).write());
        Ok(listing)
    }

    /// Hands over every object below a prefix that may be seen, in the order of names, until `each` has enough.
    fn visible(
        &self,
        tx: &mut Tx<'_>,
        (prefix, start): (&str, Option<&str>),
        mut each: impl FnMut(Object) -> bool,
    ) -> Result<(), FilesError> {
        let mut span = span_of(prefix);
        if let Some(start) = start {
            span.from = after(start);
        }
        let by_name = Order { column: Column::Name, descending: false };
        let mut looked_at = 0;
        loop {
            let objects = listing::by_name(tx, self.shelf, &span, by_name.descending, BATCH)?;
            let Some(last) = objects.last() else { return Ok(()) };
            span.from = after(last.name.as_str());
            looked_at += objects.len();
            let is_end = objects.len() < BATCH as usize;
            let seen = if self.bucket.rules.public {
                vec![true; objects.len()]
            } else {
                self.policies.admit(tx, self.bucket, Act::Read, &objects)?
            };
            for (object, _) in objects.into_iter().zip(seen).filter(|(_, seen)| *seen) {
                if !each(object) {
                    return Ok(());
                }
            }
            if is_end {
                return Ok(());
            }
            if looked_at >= MOST {
                return Err(too_many());
            }
        }
    }
}

/// Refuses to look any further.
pub(super) fn too_many() -> FilesError {
    FilesError::InvalidRequest("There are too many objects here for one list; name a longer prefix.")
}

fn sort(objects: &mut [Object], order: Order) {
    match order.column {
        Column::Name => {}
        Column::CreatedAt => objects.sort_by_key(|object| (object.created_at, object.id)),
        Column::UpdatedAt => objects.sort_by_key(|object| (object.updated_at, object.id)),
    }
    if order.descending {
        objects.reverse();
    }
}
