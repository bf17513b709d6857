//! Reads rows of one table.

use super::Data;
use super::request::{Answer, Resolved, RowsRequest};
use crate::compile::reading::ReadRows;
use crate::error::DataError;
use crate::model::query::OrderTerm;
use crate::model::query::range::content_range;
use crate::render::Format;
use crate::store::rows::{Collected, Prepared};
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::session;

impl Data {
    /// Answers the rows that match and that the requester may see, at most 1000.
    ///
    /// # Errors
    /// What the contract refuses: an unknown table or column, a bad filter, a range beyond the rows.
    pub async fn read_rows(&self, request: RowsRequest) -> Result<Answer, DataError> {
        let resolved = self.resolve(&request).await?;
        let (rows, count) = self.compile_read(&request, &resolved)?;
        let requester = request.requester.clone();
        let role = requester.role;
        let as_owner = self.as_owner(&request.requester, &resolved.entry);
        let Resolved { entry, renderer, window, .. } = resolved;
        let read = move |tx: &mut quoin_db::Tx<'_>| {
            session::begin(tx, &requester, as_owner)?;
            let total = count.as_ref().map(|count| count.number(tx)).transpose()?;
            let mut collected = Collected::new(&renderer);
            rows.for_each(tx, |row| collected.take(&renderer, row))?;
            renderer.end(&mut collected.text);
            Ok::<_, DataError>((collected, total))
        };
        let (collected, total) =
            self.db().read("data.rows.read", read).await.map_err(|error| match error {
                DataError::Db(error) => self.note(DataError::from_constraint(error, &entry.table.name, role)),
                other => other,
            })?;
        if let Some(total) = total.filter(|total| window.offset > *total) {
            let details =
                format!("An offset of {} was requested, but there are only {total} rows.", window.offset);
            return Err(DataError::BadRange(details));
        }
        if request.format == Format::Object && collected.written != 1 {
            return Err(DataError::NotSingular(collected.written));
        }
        let is_part = total.is_some_and(|total| collected.written < total);
        let mut answer = Answer::to(&request, if is_part { 206 } else { 200 });
        answer.content_range = Some(content_range(window.offset, collected.written, total));
        answer.preference_applied = request.preferences.applied(true);
        answer.body = Some(collected.text);
        Ok(answer)
    }

    fn compile_read(
        &self,
        request: &RowsRequest,
        resolved: &Resolved,
    ) -> Result<(Prepared, Option<Prepared>), DataError> {
        let Resolved { catalogue, entry, filter, renderer, window } = resolved;
        let order = OrderTerm::parse(request.parameters.order.as_deref(), &entry.table)?;
        let mut rows = SqlBuilder::new(self.engine(), catalogue, &request.requester);
        rows.select_rows(entry, &renderer.columns(), filter, &order, *window)?;
        let mut count = None;
        if request.preferences.count.is_some() {
            let mut sql = SqlBuilder::new(self.engine(), catalogue, &request.requester);
            sql.count_rows(entry, filter)?;
            count = Some(Prepared::new(sql.finish()));
        }
        Ok((Prepared::new(rows.finish()), count))
    }
}
