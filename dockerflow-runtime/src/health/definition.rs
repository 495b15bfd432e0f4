//! A check as `#[health_check]` defines it: its facts, and how its arguments are extracted from a request.

use std::{fmt, sync::Arc, time::Duration};

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
    pub fn asynchronous<H, Args>(
        name: &'static str,
        file: &'static str,
        line: u32,
        handler: H,
    ) -> Self
    where
        H: Handler<Args> + Send + Sync,
        H::Output: IntoMessages,
        Args: Inputs,
    {
        Self::new(name, file, line, move |inputs: Args| -> Job {
            let handler = handler.clone();
            Box::new(move || {
                Work::Async(Box::pin(async move {
                    handler.call(inputs).await.into_messages(name)
                }))
            })
        })
    }

    /// Defines a check that is a plain `fn`: it runs on the blocking pool.
    pub fn blocking<F, Args>(name: &'static str, file: &'static str, line: u32, function: F) -> Self
    where
        F: Blocking<Args>,
        F::Output: IntoMessages,
        Args: Inputs,
    {
        Self::new(name, file, line, move |inputs: Args| -> Job {
            let function = function.clone();
            Box::new(move || {
                Work::Blocking(Box::new(move || function.call(inputs).into_messages(name)))
            })
        })
    }

    fn new<Args: Inputs>(
        name: &'static str,
        file: &'static str,
        line: u32,
        job: impl Fn(Args) -> Job + Clone + Send + Sync + 'static,
    ) -> Self {
        let check = Check {
            name,
            place: Place { file, line },
            worst: Level::Critical,
            timeout: None,
        };
        let prepare = move |request: HttpRequest| -> LocalBoxFuture<'static, Result<Job, Message>> {
            let job = job.clone();
            Box::pin(async move {
                match Args::extract(&request).await {
                    Ok(inputs) => Ok(job(inputs)),
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
