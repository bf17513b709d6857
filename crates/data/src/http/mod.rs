//! The Database API over HTTP: headers and query strings in, answers out. No rules.

mod admin;
mod answer;
mod rows;

use quoin_web::{Operation, Routes, Who};

use crate::service::Data;

/// How large a body may be, in bytes.
const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// Declares the room's operations.
pub(crate) fn routes(data: Data) -> Routes {
    let table = "/rest/v1/{table}";
    let write = |operation: Operation| operation.caller(Who::Anyone).body_limit(BODY_LIMIT_BYTES);
    Routes::new(data)
        .add(
            Operation::get("/rest/v1/", "data.tables.describe")
                .summary("Describes the tables that the caller may use.")
                .caller(Who::Anyone)
                .alias("/rest/v1")
                .gives_nothing(200),
            rows::describe,
        )
        .add(
            Operation::get(table, "data.rows.read")
                .summary("Reads rows, filtered, ordered and cut by the query string.")
                .caller(Who::Anyone)
                .gives_nothing(200)
                .gives_nothing(206),
            rows::read,
        )
        .add(
            write(Operation::post(table, "data.rows.insert"))
                .summary("Inserts rows; with Prefer: resolution, changes or keeps those that exist.")
                .gives_nothing(201),
            rows::insert,
        )
        .add(
            write(Operation::patch(table, "data.rows.update"))
                .summary("Sets columns of every row that matches.")
                .gives_nothing(200)
                .gives_nothing(204),
            rows::update,
        )
        .add(
            write(Operation::put(table, "data.rows.put"))
                .summary("Inserts or replaces the one row that the query string names by its key.")
                .gives_nothing(200)
                .gives_nothing(201)
                .gives_nothing(204),
            rows::put,
        )
        .add(
            write(Operation::delete(table, "data.rows.delete"))
                .summary("Removes every row that matches.")
                .gives_nothing(200)
                .gives_nothing(204),
            rows::delete,
        )
        .add(
            write(Operation::post("/rest/v1/rpc/{function}", "data.functions.call"))
                .summary("Answers that there is no such function.")
                .gives_nothing(404),
            rows::call,
        )
        .add(
            Operation::get("/rest/v1/rpc/{function}", "data.functions.read")
                .summary("Answers that there is no such function.")
                .caller(Who::Anyone)
                .gives_nothing(404),
            rows::call,
        )
        .add(
            Operation::post("/admin/v1/migrations", "data.migrations.apply")
                .summary("Applies a migration, once.")
                .caller(Who::PlatformKey)
                .body_limit(BODY_LIMIT_BYTES)
                .takes::<admin::MigrationIn>()
                .gives::<admin::AppliedOut>(201)
                .gives::<admin::AppliedOut>(200),
            admin::apply,
        )
        .add(
            Operation::get("/admin/v1/migrations", "data.migrations.list")
                .summary("Lists the migrations that have run.")
                .caller(Who::PlatformKey)
                .gives::<admin::MigrationsOut>(200),
            admin::list,
        )
        .done()
}
