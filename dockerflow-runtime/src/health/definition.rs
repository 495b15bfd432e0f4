//! A check as `#[health_check]` defines it: its facts, and how its arguments are extracted from a request.

use std::{fmt, panic::Location, sync::Arc, time::Duration};

use actix_web::{Handler, HttpRequest};
use futures_util::future::LocalBoxFuture;

use super::{
    check::{Check, Job, Place, Work},
    faults::unavailable,
    inputs::{Blocking, Inputs},
    level::Level,
    message::{IntoMessages, Message},
};

/// A check as its macro defines it. Only generated code makes one.
#[doc(hidden)]
#[derive(Clone)]
pub struct Definition {
    pub(crate) check: Check,
    prepare: Arc<Prepare>,
}

type Prepare = dyn Fn(HttpRequest) -> LocalBoxFuture<'static, Result<Job, Message>> + Send + Sync;

impl Definition {
    /// Defines a check that is an `async fn`: it runs on the health thread.
    #[track_caller]
    pub fn asynchronous<I, H>(name: &'static str, inputs: I, handler: H) -> Self
    where
        I: Inputs,
        H: Handler<I::Args> + Send + Sync,
        H::Output: IntoMessages,
    {
        Self::new(name, inputs, move |extracted| -> Job {
            let handler = handler.clone();
            Box::new(move || {
                let arguments = I::arguments(extracted);
                Work::Async(Box::pin(async move {
                    handler.call(arguments).await.into_messages(name)
                }))
            })
        })
    }

    /// Defines a check that is a plain `fn`: it runs on the blocking pool.
    #[track_caller]
    pub fn blocking<I, F>(name: &'static str, inputs: I, function: F) -> Self
    where
        I: Inputs,
        F: Blocking<I::Args>,
        F::Output: IntoMessages,
    {
        Self::new(name, inputs, move |extracted| -> Job {
            let function = function.clone();
            Box::new(move || {
                Work::Blocking(Box::new(move || {
                    function.call(I::arguments(extracted)).into_messages(name)
                }))
            })
        })
    }

    #[track_caller]
    fn new<I: Inputs>(
        name: &'static str,
        inputs: I,
        job: impl Fn(I::Extracted) -> Job + Clone + Send + Sync + 'static,
    ) -> Self {
        // The caller is what the macro has made: where its attribute stands.
        let place = Location::caller();
        let check = Check {
            name,
            place: Place {
                file: place.file(),
                line: place.line(),
            },
            worst: Level::Critical,
            timeout: None,
        };
        let inputs = Arc::new(inputs);
        let prepare = move |request: HttpRequest| -> LocalBoxFuture<'static, Result<Job, Message>> {
            let (inputs, job) = (inputs.clone(), job.clone());
            Box::pin(async move {
                match inputs.extract(&request).await {
                    Ok(extracted) => Ok(job(extracted)),
                    Err(text) => Err(unavailable(name, text)),
                }
            })
        };
        Self {
            check,
            prepare: Arc::new(prepare),
        }
    }

    /// Sets the worst level that the check can have: `level = …`.
    #[must_use]
    pub fn worst(mut self, level: Level) -> Self {
        self.check.worst = level;
        self
    }

    /// Sets the deadline, in milliseconds: `timeout = "…"`.
    #[must_use]
    pub fn timeout(mut self, milliseconds: u64) -> Self {
        self.check.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    /// Extracts the arguments, on the worker that has the request. `Err` says why one could not be extracted.
    pub(crate) fn prepare(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<Job, Message>> {
        (self.prepare)(request)
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.check.fmt(formatter)
    }
}
