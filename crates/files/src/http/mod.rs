//! The operations of `/storage/v1`, in the shapes of the storage clients' contract. No rules.

mod admin;
mod buckets;
mod download;
mod form;
mod listing;
mod objects;
mod other_ways;
mod out;
mod render;
mod resumable;
mod signed;
mod upload;
mod uploads;
mod usage;

use std::time::Duration;

use quoin_audit::{Actor, Entry};
use quoin_web::{Ctx, Operation, Routes, RoutesFor, Who};
use serde_json::Value;

use crate::Files;
use crate::model::OwnerIn;

/// How long bytes may be on their way, in or out; pauses are limited by the listener.
const TRANSFER_TIMEOUT: Duration = Duration::from_hours(24);

/// Declares this room's operations.
pub(crate) fn routes(files: Files) -> Routes {
    let routes = Routes::new(files);
    let routes = with_lists(with_objects(with_transfers(with_buckets(routes))));
    other_ways::add(with_operators(with_usage(with_signed(routes)))).done()
}

fn with_buckets(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    let path = "/storage/v1/bucket/{bucket}";
    routes
        .add(
            Operation::post("/storage/v1/bucket", "files.buckets.create")
                .summary("Makes a bucket.")
                .caller(Who::PlatformKey)
                .takes::<buckets::BucketIn>()
                .gives::<buckets::NamedOut>(200),
            buckets::create,
        )
        .add(
            Operation::get("/storage/v1/bucket", "files.buckets.list")
                .summary("Lists the buckets.")
                .caller(Who::Anyone)
                .query::<buckets::ListIn>()
                .gives::<Vec<out::BucketOut>>(200),
            buckets::list,
        )
        .add(
            Operation::get(path, "files.buckets.get")
                .summary("Reads a bucket's rules.")
                .caller(Who::Anyone)
                .gives::<out::BucketOut>(200),
            buckets::get,
        )
        .add(
            Operation::put(path, "files.buckets.update")
                .summary("Changes a bucket's rules; what is in it stays.")
                .caller(Who::PlatformKey)
                .takes::<buckets::BucketIn>()
                .gives::<out::MessageOut>(200),
            buckets::update,
        )
        .add(
            Operation::post("/storage/v1/bucket/{bucket}/empty", "files.buckets.empty")
                .summary("Removes the objects of a bucket, everybody's or those of one owner.")
                .caller(Who::PlatformKey)
                .query::<OwnerIn>()
                .timeout(Duration::from_mins(10))
                .gives::<out::MessageOut>(200),
            buckets::empty,
        )
        .add(
            Operation::delete(path, "files.buckets.delete")
                .summary("Removes an empty bucket.")
                .caller(Who::PlatformKey)
                .gives::<out::MessageOut>(200),
            buckets::delete,
        )
}

fn object(operation: Operation) -> Operation {
    operation.param("bucket", "The bucket's name.").param("path", "The object's name, slashes included.")
}

fn upload(operation: Operation, summary: &'static str) -> Operation {
    object(operation)
        .summary(summary)
        .description(
            "The body is the object itself, or a form whose file part it is. It is stored as it comes: memory does not grow \
             with its size.",
        )
        .body_limit(usize::MAX)
        .timeout(TRANSFER_TIMEOUT)
        .gives::<out::StoredOut>(200)
}

fn download(operation: Operation, summary: &'static str) -> Operation {
    object(operation)
        .summary(summary)
        .description(
            "Honours Range, If-Range, If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since.",
        )
        .gives_nothing(200)
        .gives_nothing(206)
        .gives_nothing(304)
}

fn with_transfers(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    let path = "/storage/v1/object/{bucket}/{*path}";
    routes
        .add(
            upload(
                Operation::post(path, "files.objects.create"),
                "Stores an object; with x-upsert: true also in place of one.",
            )
            .caller(Who::Anyone)
            .query::<OwnerIn>(),
            upload::create,
        )
        .add(
            upload(Operation::put(path, "files.objects.put"), "Stores an object, also in place of one.")
                .caller(Who::Anyone)
                .query::<OwnerIn>(),
            upload::put,
        )
        .add(
            download(Operation::get(path, "files.objects.read"), "Reads an object.")
                .alias("/storage/v1/object/authenticated/{bucket}/{*path}")
                .caller(Who::Anyone)
                .query::<download::ReadIn>(),
            download::read,
        )
        .add(
            download(
                Operation::get("/storage/v1/object/public/{bucket}/{*path}", "files.objects.read_public"),
                "Reads an object of a public bucket, for everybody.",
            )
            .caller(Who::Unidentified)
            .query::<download::PublicIn>(),
            download::read_public,
        )
        .add(
            download(
                Operation::get("/storage/v1/object/sign/{bucket}/{*path}", "files.objects.read_signed"),
                "Reads an object with a signed URL.",
            )
            .caller(Who::Unidentified)
            .query::<download::SignedIn>(),
            download::read_signed,
        )
        .add(
            upload(
                Operation::put("/storage/v1/object/upload/sign/{bucket}/{*path}", "files.objects.put_signed"),
                "Stores an object with a signed URL.",
            )
            .caller(Who::Unidentified)
            .query::<upload::TokenIn>(),
            upload::put_signed,
        )
}

fn with_objects(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            object(Operation::get("/storage/v1/object/info/{bucket}/{*path}", "files.objects.info"))
                .alias("/storage/v1/object/info/authenticated/{bucket}/{*path}")
                .summary("Says what is known of an object.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .gives::<out::InfoOut>(200),
            objects::info,
        )
        .add(
            object(Operation::get(
                "/storage/v1/object/info/public/{bucket}/{*path}",
                "files.objects.info_public",
            ))
            .summary("Says what is known of an object of a public bucket, to everybody.")
            .caller(Who::Unidentified)
            .gives::<out::InfoOut>(200),
            objects::info_public,
        )
        .add(
            object(Operation::delete("/storage/v1/object/{bucket}/{*path}", "files.objects.delete"))
                .summary("Removes an object.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .gives::<out::MessageOut>(200),
            objects::delete,
        )
        .add(
            Operation::delete("/storage/v1/object/{bucket}", "files.objects.delete_many")
                .summary("Removes objects and returns those that were there.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<objects::PrefixesIn>()
                .gives::<Vec<out::ObjectOut>>(200),
            objects::delete_many,
        )
        .add(
            Operation::post("/storage/v1/object/move", "files.objects.move")
                .summary("Gives an object another name, maybe in another bucket.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<objects::PlacesIn>()
                .gives::<Value>(200),
            objects::move_object,
        )
        .add(
            Operation::post("/storage/v1/object/copy", "files.objects.copy")
                .summary("Copies an object.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .timeout(TRANSFER_TIMEOUT)
                .takes::<objects::PlacesIn>()
                .gives::<Value>(200),
            objects::copy,
        )
}

fn with_lists(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            Operation::post("/storage/v1/object/list/{bucket}", "files.objects.list")
                .summary("Lists one folder: folders first, then objects.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<listing::FolderBody>()
                .gives::<Vec<out::ObjectOut>>(200),
            listing::folder,
        )
        .add(
            Operation::post("/storage/v1/object/list-v2/{bucket}", "files.objects.list_prefix")
                .summary("Lists everything below a prefix, page by page.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<listing::PrefixBody>()
                .gives::<listing::PrefixOut>(200),
            listing::prefix,
        )
}

fn with_signed(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            object(Operation::post("/storage/v1/object/sign/{bucket}/{*path}", "files.objects.sign"))
                .summary("Signs a URL that reads one object until a moment.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<signed::SignIn>()
                .gives::<signed::SignedOut>(200),
            signed::sign,
        )
        .add(
            Operation::post("/storage/v1/object/sign/{bucket}", "files.objects.sign_many")
                .summary("Signs URLs that read objects until a moment.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .takes::<signed::SignManyIn>()
                .gives::<Vec<signed::SignedOneOut>>(200),
            signed::sign_many,
        )
        .add(
            object(Operation::post(
                "/storage/v1/object/upload/sign/{bucket}/{*path}",
                "files.objects.sign_upload",
            ))
            .summary("Signs a URL that stores one object.")
            .caller(Who::Anyone)
            .query::<OwnerIn>()
            .gives::<signed::UploadOut>(200),
            signed::sign_upload,
        )
}

fn with_usage(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            Operation::get("/storage/v1/usage", "files.usage.get")
                .summary("Says how much the caller's organisation, or the caller, keeps and may keep.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .gives::<usage::UsageOut>(200),
            usage::get,
        )
        .add(
            Operation::put("/storage/v1/usage", "files.usage.limit")
                .summary("Sets the limits of an organisation or a person; null takes the configuration's.")
                .caller(Who::PlatformKey)
                .query::<OwnerIn>()
                .takes::<usage::LimitsIn>()
                .gives::<usage::UsageOut>(200),
            usage::limit,
        )
}

fn with_operators(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            Operation::post("/admin/v1/files/verify", "files.stores.verify")
                .summary("Reads some objects and compares them with their rows.")
                .caller(Who::PlatformKey)
                .timeout(Duration::from_hours(1))
                .takes::<admin::VerifyIn>()
                .gives::<admin::VerifyOut>(200),
            admin::verify,
        )
        .add(
            Operation::post("/admin/v1/files/unknown", "files.stores.unknown")
                .summary("Looks for keys of a store that no row knows.")
                .caller(Who::PlatformKey)
                .timeout(Duration::from_mins(10))
                .takes::<admin::UnknownIn>()
                .gives::<admin::UnknownOut>(200),
            admin::unknown,
        )
        .add(
            Operation::post("/admin/v1/files/copy", "files.stores.copy")
                .summary("Moves some objects into another store, while they are in use.")
                .caller(Who::PlatformKey)
                .timeout(Duration::from_hours(1))
                .takes::<admin::CopyIn>()
                .gives::<admin::CopyOut>(200),
            admin::copy,
        )
        .add(
            Operation::post("/admin/v1/files/sweep", "files.stores.sweep")
                .summary("Removes what writes have left that show no sign of life any more.")
                .caller(Who::PlatformKey)
                .timeout(Duration::from_mins(10))
                .takes::<admin::SweepIn>()
                .gives::<admin::SweepOut>(200),
            admin::sweep,
        )
}

/// Starts the entry of what this call does.
fn entry<W>(ctx: &Ctx<W>, actor: Actor, action: &'static str) -> Entry {
    Entry::new(ctx.app.rng(), ctx.now(), actor, action).from(&ctx.origin)
}
