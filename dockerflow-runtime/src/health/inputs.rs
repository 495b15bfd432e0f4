//! The arguments of a check, and how a plain function is called with them.

use std::{any::type_name, fmt};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

/// What can be sent to the thread that the checks run on. A trait of its own, so that the compiler's error says why it is needed.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a health check: it is not `Send`",
    label = "not `Send`",
    note = "a check runs outside the workers, on a thread of its own: take something that is `Send`, such as what this is made of, and make this in the check"
)]
pub trait Sendable: Send {}

#[diagnostic::do_not_recommend]
impl<T: Send> Sendable for T {}

/// How one argument of type `T` is extracted. Only [`input`] makes one.
#[doc(hidden)]
pub struct Input<T>(fn(HttpRequest) -> LocalBoxFuture<'static, Result<Extracted<T>, String>>);

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(type_name::<T>())
    }
}

/// An argument on its way to another thread. The box is `Send` whatever `T` is, so that only [`input`] asks for that, and a type that
/// is not gets one error, at the argument.
type Extracted<T> = Box<dyn FnOnce() -> T + Send>;

/// Returns how an argument is extracted: as that of a handler, then sent to another thread.
#[doc(hidden)]
#[must_use]
pub fn input<T: FromRequest + Sendable + 'static>() -> Input<T> {
    Input(|request| Box::pin(extract(request)))
}

/// Extracts an argument. `Err` names it, and says why it could not be extracted.
async fn extract<T: FromRequest + Sendable + 'static>(
    request: HttpRequest,
) -> Result<Extracted<T>, String> {
    match T::from_request(&request, &mut Payload::None).await {
        Ok(argument) => Ok(Box::new(|| argument)),
        Err(error) => Err(format!(
            "could not extract argument `{}`: {:#}",
            type_name::<T>(),
            error.into()
        )),
    }
}

/// How the arguments of a check are extracted: a tuple of [`Input`].
#[doc(hidden)]
pub trait Inputs: Send + Sync + 'static {
    /// The arguments.
    type Args: 'static;
    /// The arguments on their way to another thread.
    type Extracted: Send + 'static;
    /// Extracts every argument. `Err` names the one that could not be extracted, and why.
    fn extract(
        &self,
        request: &HttpRequest,
    ) -> impl Future<Output = Result<Self::Extracted, String>>;
    /// Returns the arguments.
    fn arguments(extracted: Self::Extracted) -> Self::Args;
}

/// A plain function, as [`Handler`](actix_web::Handler) is an `async` function.
#[doc(hidden)]
pub trait Blocking<Args>: Clone + Send + Sync + 'static {
    /// The function's result.
    type Output;
    /// Calls the function.
    fn call(&self, args: Args) -> Self::Output;
}

macro_rules! arities {
    ($(($($arg:ident)*))*) => {$(
        #[allow(non_snake_case, clippy::unused_unit)] // a type's name serves as its value's; without an argument
        impl<$($arg: 'static),*> Inputs for ($(Input<$arg>,)*) {
            type Args = ($($arg,)*);
            type Extracted = ($(Extracted<$arg>,)*);

            #[allow(unused_variables)] // `request`, if there is no argument
            async fn extract(&self, request: &HttpRequest) -> Result<Self::Extracted, String> {
                let ($($arg,)*) = self;
                Ok(($($arg.0(request.clone()).await?,)*))
            }

            fn arguments(($($arg,)*): Self::Extracted) -> Self::Args {
                ($($arg(),)*)
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
