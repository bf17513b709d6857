//! Columns of SQLite read as logical types.

use quoin_kernel::Timestamp;
use rusqlite::types::ValueRef;
use uuid::Uuid;

use crate::error::DbError;

/// A row of SQLite.
pub(crate) struct DriverRow<'a>(pub(super) &'a rusqlite::Row<'a>);

impl DriverRow<'_> {
    fn column(&self, index: usize, expected: &'static str) -> Result<ValueRef<'_>, DbError> {
        self.0.get_ref(index).map_err(|_| DbError::Column { index, expected })
    }

    fn text(&self, index: usize, expected: &'static str) -> Result<Option<&str>, DbError> {
        match self.column(index, expected)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|_| DbError::Column { index, expected })
            }
            _ => Err(DbError::Column { index, expected }),
        }
    }

    pub(crate) fn read_id(&self, index: usize) -> Result<Option<Uuid>, DbError> {
        let parse = |text| Uuid::parse_str(text).map_err(|_| DbError::Column { index, expected: "an id" });
        self.text(index, "an id")?.map(parse).transpose()
    }

    pub(crate) fn read_time(&self, index: usize) -> Result<Option<Timestamp>, DbError> {
        let parse = |text: &str| text.parse().map_err(|_| DbError::Column { index, expected: "a time" });
        self.text(index, "a time")?.map(parse).transpose()
    }

    pub(crate) fn read_bool(&self, index: usize) -> Result<Option<bool>, DbError> {
        Ok(self.read_int(index)?.map(|number| number != 0))
    }

    pub(crate) fn read_int(&self, index: usize) -> Result<Option<i64>, DbError> {
        match self.column(index, "an int")? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            _ => Err(DbError::Column { index, expected: "an int" }),
        }
    }

    pub(crate) fn read_real(&self, index: usize) -> Result<Option<f64>, DbError> {
        match self.column(index, "a real")? {
            ValueRef::Null => Ok(None),
            ValueRef::Real(number) => Ok(Some(number)),
            #[expect(clippy::cast_precision_loss, reason = "an integer stored where a double is asked for")]
            ValueRef::Integer(number) => Ok(Some(number as f64)),
            _ => Err(DbError::Column { index, expected: "a real" }),
        }
    }

    pub(crate) fn read_text(&self, index: usize) -> Result<Option<String>, DbError> {
        Ok(self.text(index, "a text")?.map(str::to_owned))
    }

    pub(crate) fn read_bytes(&self, index: usize) -> Result<Option<Vec<u8>>, DbError> {
        match self.column(index, "bytes")? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            _ => Err(DbError::Column { index, expected: "bytes" }),
        }
    }

    pub(crate) fn read_json(&self, index: usize) -> Result<Option<serde_json::Value>, DbError> {
        let parse =
            |text| serde_json::from_str(text).map_err(|_| DbError::Column { index, expected: "JSON" });
        self.text(index, "JSON")?.map(parse).transpose()
    }
}
