//! Reports of errors to a service that collects them: Sentry, if the program is built with it.

#[cfg(not(feature = "sentry-0_49"))]
mod none;
#[cfg(feature = "sentry-0_49")]
mod sentry;

#[cfg(not(feature = "sentry-0_49"))]
pub(crate) use self::none::{ReportOptions, Reports, RequestReport, flush};
#[cfg(feature = "sentry-0_49")]
pub(crate) use self::sentry::{ReportOptions, Reports, RequestReport, flush, start_for_tests};
