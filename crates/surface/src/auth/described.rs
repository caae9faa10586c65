//! How requests prove themselves, for the API's document.

use aide::{
    OperationInput, OperationOutput as _,
    generate::GenContext,
    openapi::{Components, Operation, ReferenceOr, SecurityScheme},
    operation::{ParamLocation, add_parameters},
};
use astralform_domain::EndUserId;

use super::{
    Acting, ActingFor, Backend, EnvironmentQuery, InEnvironment, InPastEnvironment, InProject,
    Managing, ProjectPath,
};
use crate::{
    Problem,
    openapi::{optional_header, parameters},
};

const API_KEY: &str = "apiKey";
const SESSION: &str = "session";
const ADMIN_TOKEN: &str = "adminToken";

impl OperationInput for InPastEnvironment {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        InEnvironment::operation_input(context, operation);
    }
}

/// Describes what an operation asks for as proof: one of these; without it, it refuses.
fn asks_for(context: &mut GenContext, operation: &mut Operation, schemes: &[&str]) {
    Problem::inferred_responses(context, operation);
    let each = schemes.iter().map(|scheme| [((*scheme).to_owned(), Vec::new())]);
    operation.security.extend(each.map(|one| one.into_iter().collect()));
}

pub(crate) fn refers_to(operation: &mut Operation, header: &str) {
    let reference = format!("#/components/parameters/{header}");
    operation.parameters.push(ReferenceOr::ref_(&reference));
}

impl OperationInput for Acting {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        asks_for(context, operation, &[API_KEY, SESSION]);
        refers_to(operation, "X-Agent-ID");
        refers_to(operation, "X-End-User-ID");
    }
}

impl OperationInput for ActingFor {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Acting::operation_input(context, operation);
    }
}

impl OperationInput for Backend {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        asks_for(context, operation, &[API_KEY]);
        refers_to(operation, "X-Agent-ID");
    }
}

impl OperationInput for Managing {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        asks_for(context, operation, &[ADMIN_TOKEN]);
    }
}

impl OperationInput for InProject {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        Managing::operation_input(context, operation);
        let parameters = parameters::<ProjectPath>(context, ParamLocation::Path);
        add_parameters(context, operation, parameters);
    }
}

impl OperationInput for InEnvironment {
    fn operation_input(context: &mut GenContext, operation: &mut Operation) {
        InProject::operation_input(context, operation);
        let parameters = parameters::<EnvironmentQuery>(context, ParamLocation::Query);
        add_parameters(context, operation, parameters);
    }
}

/// Describes what the extractors refer to.
pub(crate) fn describe(context: &mut GenContext, components: &mut Components) {
    for (name, form, about) in [
        (API_KEY, "sk_…", "An API key of one environment of a project: your backend's."),
        (SESSION, "ut_…", "A session of one end user and one agent, opened with an API key."),
        (ADMIN_TOKEN, "pat_…", "An admin token of somebody who administers."),
    ] {
        let scheme = SecurityScheme::Http {
            scheme: "bearer".to_owned(),
            bearer_format: Some(form.to_owned()),
            description: Some(about.to_owned()),
            extensions: [].into_iter().collect(),
        };
        components.security_schemes.insert(name.to_owned(), ReferenceOr::Item(scheme));
    }
    for header in [
        optional_header::<String>(
            context,
            "X-Agent-ID",
            "The agent that acts, by name or id. Left out, it is the one that the token is bound to, or `default`.",
        ),
        optional_header::<EndUserId>(
            context,
            "X-End-User-ID",
            "The end user whom the agent acts for, by your own id of them. A session names its own.",
        ),
        optional_header::<String>(
            context,
            "Idempotency-Key",
            "Makes it safe to send the request again: for 24 hours, the same request with the same key gets the first one's answer.",
        ),
        optional_header::<String>(
            context,
            "If-Match",
            "The version that you have seen, in quotes, as the header ETag of its answer has it: if it was changed since, nothing is changed, and the answer is 412.",
        ),
    ] {
        let name = header.parameter_data_ref().name.clone();
        components.parameters.insert(name, ReferenceOr::Item(header));
    }
}
