use std::collections::HashMap;

use aide::openapi::{Components, OpenApi, Parameter, ReferenceOr};
use axum::{
    extract::MatchedPath,
    http::{Method, request::Parts},
};
use url::form_urlencoded;

use crate::{FieldFault, Refusal};

/// The query parameters that each operation takes, as the document lists them.
#[derive(Default)]
pub struct Queries(HashMap<(String, String), Vec<String>>);

impl Queries {
    pub(super) fn of(document: &OpenApi) -> Self {
        let mut queries = Self::default();
        let paths = document.paths.iter().flat_map(|paths| paths.iter());
        for (path, item) in paths.filter_map(|(path, item)| Some((path, item.as_item()?))) {
            for (method, operation) in item.iter() {
                let listed = operation.parameters.iter();
                let names = listed.filter_map(|one| name(one, document.components.as_ref()));
                let operation = (path.clone(), method.to_ascii_uppercase());
                queries.0.insert(operation, names.collect());
            }
        }
        queries
    }

    /// Refuses a request with a query parameter that its operation does not take: its caller would
    /// not see that it does nothing.
    ///
    /// # Errors
    /// With the first such parameter.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), Refusal> {
        let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) else {
            return Ok(());
        };
        let Some(path) = parts.extensions.get::<MatchedPath>() else { return Ok(()) };
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        let operation = (path.as_str().to_owned(), method.to_string());
        let Some(known) = self.0.get(&operation) else { return Ok(()) };
        let mut given = form_urlencoded::parse(query.as_bytes());
        match given.find(|(name, _)| !known.iter().any(|known| known == name)) {
            Some((name, _)) => {
                Err(Refusal::InvalidQuery(FieldFault::unknown_parameter(&name, known)))
            }
            None => Ok(()),
        }
    }
}

/// Returns the name of a parameter of the query.
fn name(parameter: &ReferenceOr<Parameter>, components: Option<&Components>) -> Option<String> {
    let parameter = match parameter {
        ReferenceOr::Item(parameter) => parameter,
        ReferenceOr::Reference { reference, .. } => {
            let (_, name) = reference.rsplit_once('/')?;
            components?.parameters.get(name)?.as_item()?
        }
    };
    match parameter {
        Parameter::Query { parameter_data, .. } => Some(parameter_data.name.clone()),
        _ => None,
    }
}
