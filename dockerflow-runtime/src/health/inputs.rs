//! The arguments of a check, and how a plain function is called with them.

use std::any::type_name;

use actix_web::{FromRequest, HttpRequest, dev::Payload};

/// The arguments of a check: extractors, like those of a handler, that can be sent to another thread.
#[doc(hidden)]
pub trait Inputs: Sized + Send + 'static {
    /// Extracts every argument. `Err` names the one that could not be extracted, and why.
    fn extract(request: &HttpRequest) -> impl Future<Output = Result<Self, String>>;
}

/// A plain function, as [`Handler`] is an `async` function.
#[doc(hidden)]
pub trait Blocking<Args>: Clone + Send + Sync + 'static {
    /// The function's result.
    type Output;
    /// Calls the function.
    fn call(&self, args: Args) -> Self::Output;
}

async fn argument<T: FromRequest>(request: &HttpRequest) -> Result<T, String> {
    let extracted = T::from_request(request, &mut Payload::None).await;
    extracted.map_err(|error| {
        format!(
            "could not extract argument `{}`: {:#}",
            type_name::<T>(),
            error.into()
        )
    })
}

macro_rules! arities {
    ($(($($arg:ident)*))*) => {$(
        impl<$($arg: FromRequest + Send + 'static),*> Inputs for ($($arg,)*) {
            #[allow(unused_variables)] // `request`, if there is no argument
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
