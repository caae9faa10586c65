use std::{error::Error as StdError, str::FromStr};

use astralform_domain::{Environment, Sealed, Tenant, Timestamp};
use serde::de::DeserializeOwned;

use crate::{Error, Result, db::Row};

/// What can be read from a row.
pub trait Record: Sized {
    /// Reads it, or names the column with a value that we do not write.
    fn read(row: &Row) -> Result<Self>;
}

/// The id in a row that has nothing else to read.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr<Err: StdError + Send + Sync + 'static>> Record for Id<T> {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.parse("id")?))
    }
}

/// The number in a row that has nothing else to read.
pub(crate) struct Count(pub(crate) i64);

impl Record for Count {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self(row.int("number")?))
    }
}

impl Row {
    pub(crate) fn text(&self, column: &'static str) -> Result<String> {
        self.get(column)
    }

    pub(crate) fn optional_text(&self, column: &'static str) -> Result<Option<String>> {
        self.get(column)
    }

    pub(crate) fn int(&self, column: &'static str) -> Result<i64> {
        self.get(column)
    }

    pub(crate) fn optional_int(&self, column: &'static str) -> Result<Option<i64>> {
        self.get(column)
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool> {
        self.get(column)
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp> {
        Ok(Timestamp::from_micros(self.get(column)?))
    }

    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        self.get(column)
    }

    pub(crate) fn sealed(&self, column: &'static str) -> Result<Sealed> {
        Ok(Sealed::from_bytes(self.get(column)?))
    }

    pub(crate) fn optional_sealed(&self, column: &'static str) -> Result<Option<Sealed>> {
        Ok(self.get::<Option<Vec<u8>>>(column)?.map(Sealed::from_bytes))
    }

    pub(crate) fn digest(&self, column: &'static str) -> Result<[u8; 32]> {
        let bytes: Vec<u8> = self.get(column)?;
        bytes.try_into().map_err(|_| corrupt(column, "a digest has 32 bytes"))
    }

    /// Reads the tag of a row; nothing where what stands there cannot be one.
    pub(crate) fn tag(&self) -> Result<Option<[u8; 32]>> {
        let bytes: Option<Vec<u8>> = self.get("tag")?;
        Ok(bytes.and_then(|bytes| bytes.try_into().ok()))
    }

    /// Returns the id of a key, from a column or out of an envelope.
    pub(crate) fn key_id(&self, column: &'static str) -> Result<[u8; 16]> {
        let bytes: Vec<u8> = self.get(column)?;
        bytes.try_into().map_err(|_| corrupt(column, "the id of a key has 16 bytes"))
    }

    /// Returns a column whose text spells a value of the domain.
    pub(crate) fn parse<T>(&self, column: &'static str) -> Result<T>
    where
        T: FromStr<Err: StdError + Send + Sync + 'static>,
    {
        self.text(column)?.parse().map_err(|why| corrupt(column, why))
    }

    pub(crate) fn optional_parse<T>(&self, column: &'static str) -> Result<Option<T>>
    where
        T: FromStr<Err: StdError + Send + Sync + 'static>,
    {
        let text = self.optional_text(column)?;
        text.map(|text| text.parse().map_err(|why| corrupt(column, why))).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|why| corrupt(column, why))
    }

    pub(crate) fn optional_json<T: DeserializeOwned>(
        &self,
        column: &'static str,
    ) -> Result<Option<T>> {
        let text = self.optional_text(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|why| corrupt(column, why))).transpose()
    }

    pub(crate) fn tenant(&self) -> Result<Tenant> {
        let environment: Environment = self.parse("environment")?;
        Ok(Tenant { project: self.parse("project_id")?, environment })
    }
}

pub(crate) fn corrupt(
    column: &'static str,
    why: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    Error::Corrupt { column, why: why.into() }
}
