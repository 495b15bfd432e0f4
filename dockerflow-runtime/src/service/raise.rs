//! The error that `/__error__` raises inside the app, behind all of its middlewares, so that those that report errors see it.

use actix_service::fn_service;
use actix_web::{
    Error,
    dev::{AppService, HttpServiceFactory, ResourceDef, ServiceRequest, ServiceResponse},
    error::InternalError,
};

use super::endpoints;

/// The path that the router sees. No resource of an app can match it, not even `/{tail:.*}`: they all begin with a slash.
const PATH: &str = "__error__";

/// Makes the app's router see [`PATH`]. Middlewares see the request as it came.
pub(super) fn route(request: &mut ServiceRequest) {
    request.match_info_mut().skip(1);
}

/// The resource in the app that fails.
pub(super) struct Raise;

impl HttpServiceFactory for Raise {
    fn register(self, config: &mut AppService) {
        let raise = fn_service(
            async |request: ServiceRequest| -> Result<ServiceResponse, Error> {
                let error = InternalError::from_response(
                    "the /__error__ endpoint was called",
                    endpoints::raised(),
                );
                Ok(request.error_response(error))
            },
        );
        // The path may end with a slash.
        let paths = [PATH.to_owned(), format!("{PATH}/")];
        config.register_service(ResourceDef::new(paths.to_vec()), None, raise, None);
    }
}
