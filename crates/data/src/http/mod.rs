//! The Database API over HTTP: headers and query strings in, answers out. No rules.

mod admin;
mod answer;
mod rows;

use quoin_web::{Operation, Routes, RoutesFor, Who};

use crate::service::Data;

/// How large a body may be, in bytes.
const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;
const TABLE: &str = "/rest/v1/{table}";
const FUNCTION: &str = "/rest/v1/rpc/{function}";

/// Declares the room's operations.
pub(crate) fn routes(data: Data) -> Routes {
    let routes = Routes::new(data)
        .add(
            read("/rest/v1/", "data.tables.describe", "Describes the tables that the caller may use.")
                .alias("/rest/v1"),
            rows::describe,
        )
        .add(
            read(TABLE, "data.rows.read", "Reads rows, filtered, ordered and cut.").gives_nothing(206),
            rows::read,
        );
    let routes = writes(routes);
    migrations(routes).done()
}

fn read(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation::get(path, id).summary(summary).caller(Who::Anyone).gives_nothing(200)
}

fn write(operation: Operation, summary: &'static str) -> Operation {
    operation
        .summary(summary)
        .caller(Who::Anyone)
        .body_limit(BODY_LIMIT_BYTES)
        .gives_nothing(200)
        .gives_nothing(204)
}

fn writes(routes: RoutesFor<Data>) -> RoutesFor<Data> {
    let insert = Operation::post(TABLE, "data.rows.insert").gives_nothing(201);
    let update = Operation::patch(TABLE, "data.rows.update");
    let put = Operation::put(TABLE, "data.rows.put").gives_nothing(201);
    let delete = Operation::delete(TABLE, "data.rows.delete");
    let no_function = "Answers that there is no such function.";
    routes
        .add(write(insert, "Inserts rows, or changes or keeps those that exist."), rows::insert)
        .add(write(update, "Sets columns of every row that matches."), rows::update)
        .add(write(put, "Inserts or replaces the one row that the query string names."), rows::put)
        .add(write(delete, "Removes every row that matches."), rows::delete)
        .add(write(Operation::post(FUNCTION, "data.functions.call"), no_function), rows::call)
        .add(read(FUNCTION, "data.functions.read", no_function), rows::call)
}

fn migrations(routes: RoutesFor<Data>) -> RoutesFor<Data> {
    let path = "/admin/v1/migrations";
    routes
        .add(
            Operation::post(path, "data.migrations.apply")
                .summary("Applies a migration, once.")
                .caller(Who::PlatformKey)
                .body_limit(BODY_LIMIT_BYTES)
                .takes::<admin::MigrationIn>()
                .gives::<admin::AppliedOut>(201)
                .gives::<admin::AppliedOut>(200),
            admin::apply,
        )
        .add(
            Operation::get(path, "data.migrations.list")
                .summary("Lists the migrations that have run.")
                .caller(Who::PlatformKey)
                .gives::<admin::MigrationsOut>(200),
            admin::list,
        )
}
