//! The operations that bring or give bytes in other ways: pictures in other sizes, resumable and direct uploads.

use std::time::Duration;

use quoin_web::{Operation, RoutesFor, Who};

use super::{TRANSFER_TIMEOUT, object, out, render, resumable, upload, uploads};
use crate::Files;
use crate::model::OwnerIn;

pub(super) fn add(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    with_resumable(with_images(with_uploads(routes)))
}

fn with_images(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    let picture = |operation: Operation, summary: &'static str| {
        object(operation)
            .summary(summary)
            .description("Nothing is made larger than it is. Results are kept for a week, or until the object changes.")
            .gives_nothing(200)
            .gives_nothing(304)
    };
    routes
        .add(
            picture(
                Operation::get(
                    "/storage/v1/render/image/authenticated/{bucket}/{*path}",
                    "files.images.read",
                ),
                "Reads a picture in another size or format.",
            )
            .caller(Who::Anyone)
            .query::<render::OwnIn>(),
            render::own,
        )
        .add(
            picture(
                Operation::get(
                    "/storage/v1/render/image/public/{bucket}/{*path}",
                    "files.images.read_public",
                ),
                "Reads a picture of a public bucket in another size or format, for everybody.",
            )
            .caller(Who::Unidentified)
            .query::<render::TransformIn>(),
            render::public,
        )
        .add(
            picture(
                Operation::get("/storage/v1/render/image/sign/{bucket}/{*path}", "files.images.read_signed"),
                "Reads a picture with a signed URL, which says its size and format.",
            )
            .caller(Who::Unidentified)
            .query::<render::SignedIn>(),
            render::signed,
        )
}

fn with_resumable(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    let one = "/storage/v1/upload/resumable/{upload_id}";
    routes
        .add(
            Operation::options(resumable::PATH, "files.resumable.options")
                .summary("Says how resumable uploads are spoken (tus 1.0.0).")
                .caller(Who::Unidentified)
                .gives_nothing(204),
            resumable::options,
        )
        .add(
            Operation::post(resumable::PATH, "files.resumable.create")
                .summary("Announces a resumable upload, which may bring its first bytes.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .body_limit(usize::MAX)
                .timeout(TRANSFER_TIMEOUT)
                .gives_nothing(201),
            resumable::announce,
        )
        .add(
            Operation::head(one, "files.resumable.progress")
                .summary("Says how far a resumable upload has come.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .timeout(TRANSFER_TIMEOUT)
                .gives_nothing(200),
            resumable::head,
        )
        .add(
            Operation::patch(one, "files.resumable.append")
                .summary("Goes on with a resumable upload; what came before a break counts.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .body_limit(usize::MAX)
                .timeout(TRANSFER_TIMEOUT)
                .gives_nothing(204),
            resumable::append,
        )
        .add(
            Operation::delete(one, "files.resumable.end")
                .summary("Ends a resumable upload and removes what has come of it.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .gives_nothing(204),
            resumable::end,
        )
}

fn with_uploads(routes: RoutesFor<Files>) -> RoutesFor<Files> {
    routes
        .add(
            Operation::post("/storage/v1/uploads", "files.uploads.announce")
                .alias("/files/upload")
                .summary("Announces an upload and says where to send its bytes: to the store itself, where that is elsewhere.")
                .caller(Who::Anyone)
                .idempotent()
                .query::<OwnerIn>()
                .takes::<uploads::UploadIn>()
                .gives::<uploads::UploadOut>(201),
            uploads::announce,
        )
        .add(
            Operation::put("/storage/v1/uploads/{upload_id}", "files.uploads.receive")
                .summary("Takes the bytes of an announced upload where the store is here.")
                .caller(Who::Unidentified)
                .body_limit(usize::MAX)
                .timeout(TRANSFER_TIMEOUT)
                .query::<upload::TokenIn>()
                .gives_nothing(200),
            uploads::receive,
        )
        .add(
            Operation::post("/storage/v1/uploads/{upload_id}/complete", "files.uploads.complete")
                .summary("Makes what was sent an object, once it is what was announced.")
                .caller(Who::Anyone)
                .query::<OwnerIn>()
                .timeout(Duration::from_hours(1))
                .gives::<out::StoredOut>(200),
            uploads::complete,
        )
}
