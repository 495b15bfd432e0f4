//! How `#[health_check]` hands a function over: its facts, and how to get its inputs out of a request.

use std::{any::type_name, fmt, sync::Arc, time::Duration};

use actix_web::{FromRequest, Handler, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

use super::check::{Check, IntoMessages, Job, Level, Message, Place, Work};

/// A check as its macro describes it. Generated code alone makes one.
#[derive(Clone)]
pub struct Definition {
    pub(crate) check: Check,
    prepare: Arc<Prepare>,
}

type Prepare = dyn Fn(HttpRequest) -> LocalBoxFuture<'static, Result<Job, Message>> + Send + Sync;

/// The form in which a check stands in the program's registry.
#[derive(Clone, Copy)]
pub struct Registration(pub fn() -> Definition);

inventory::collect!(Registration);

impl Definition {
    /// A check that is an `async fn`: it runs on the health thread.
    #[doc(hidden)]
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

    /// A check that is a plain `fn`: it runs on the blocking pool.
    #[doc(hidden)]
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
                    Err(text) => Err(Message::error(format!("{name}.unavailable"), text)),
                }
            })
        };
        Self {
            check,
            prepare: Arc::new(prepare),
        }
    }

    /// `level = …`: the worst that the check can be.
    #[doc(hidden)]
    #[must_use]
    pub fn worst(mut self, level: Level) -> Self {
        self.check.worst = level;
        self
    }

    /// `timeout = "…"`, in milliseconds.
    #[doc(hidden)]
    #[must_use]
    pub fn timeout(mut self, milliseconds: u64) -> Self {
        self.check.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    /// The check with its inputs, or why these could not be had. Runs on the worker that has the request.
    pub(crate) fn prepare(
        &self,
        request: HttpRequest,
    ) -> LocalBoxFuture<'static, Result<Job, Message>> {
        (self.prepare)(request)
    }

    /// Every check that is registered in this program, by name and place, so that an order of linking never shows.
    pub(crate) fn registered() -> Vec<Self> {
        let mut all: Vec<Self> = inventory::iter::<Registration>()
            .map(|registration| registration.0())
            .collect();
        all.sort_by_key(|one| (one.check.name, one.check.place.file, one.check.place.line));
        all
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.check.fmt(formatter)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0().fmt(formatter)
    }
}

/// The arguments of a check: extractors, as a handler's, that may go to another thread.
#[doc(hidden)]
pub trait Inputs: Sized + Send + 'static {
    /// Every argument, or which one could not be had and why.
    fn extract(request: &HttpRequest) -> impl Future<Output = Result<Self, String>>;
}

/// A plain function, as [`Handler`] is an `async` one.
#[doc(hidden)]
pub trait Blocking<Args>: Clone + Send + Sync + 'static {
    /// What it returns.
    type Output;
    /// Calls it.
    fn call(&self, args: Args) -> Self::Output;
}

async fn argument<T: FromRequest>(request: &HttpRequest) -> Result<T, String> {
    let extracted = T::from_request(request, &mut Payload::None).await;
    extracted.map_err(|error| {
        format!(
            "no `{}`, which it takes as an argument: {:#}",
            type_name::<T>(),
            error.into()
        )
    })
}

macro_rules! arities {
    ($(($($arg:ident)*))*) => {$(
        impl<$($arg: FromRequest + Send + 'static),*> Inputs for ($($arg,)*) {
            #[allow(unused_variables)] // `request`, where there is no argument
            async fn extract(request: &HttpRequest) -> Result<Self, String> {
                Ok(($(argument::<$arg>(request).await?,)*))
            }
        }

        impl<Function, Output, $($arg),*> Blocking<($($arg,)*)> for Function
        where
            Function: Fn($($arg),*) -> Output + Clone + Send + Sync + 'static,
        {
            type Output = Output;

            #[allow(non_snake_case)] // a type's name serves as its value's
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> Output {
                self($($arg),*)
            }
        }
    )*};
}

arities! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
    (A B C D E F G H I J K L M) (A B C D E F G H I J K L M N) (A B C D E F G H I J K L M N O)
    (A B C D E F G H I J K L M N O P)
}
