//! Which request this is: an id that the client sent or that is made here, on every line logged while the request is handled.

use std::{
    cell::RefCell,
    fmt,
    future::{Ready, ready},
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, FromRequest, HttpRequest,
    body::{BodySize, MessageBody},
    dev::Payload,
    error::{BlockingError, ErrorInternalServerError},
    http::header::HeaderValue,
    web::Bytes,
};
use pin_project_lite::pin_project;
use rand::{Rng as _, rngs::Xoshiro256PlusPlus};

use crate::summary::Summary;

/// A longer id is not taken from a client: it would be on every line.
const LONGEST: usize = 128;

/// The id of a request.
///
/// It is the request's `X-Request-ID` (or the header that `DOCKERFLOW_REQUEST_ID_HEADER_NAME` names) if that is sane: 1 to 128
/// letters, digits and `-_.:;/=+~|@,`. Else it is a fresh UUID, version 4. It is the field `rid` of every line that is logged
/// while the request is handled, and the response has it in the same header.
///
/// As an extractor it fails where the app is not a Dockerflow service.
///
/// ```
/// # use dockerflow_runtime::RequestId;
/// async fn order(id: RequestId) -> String {
///     format!("please name {id} when you call us")
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id of the request that is handled here and now. `None` outside one, as in a task or thread that a handler has
    /// started: [`RequestId::carry`] and [`block`] take it there.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|scope| scope.borrow().id.clone()).ok()?
    }

    /// The id, as it is logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.0.as_bytes()).unwrap_or_default()
    }

    /// Calls `work` with this as the current id, so that what it logs has it. For threads that the request's future does not run on.
    pub fn scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut scope = Scope::new(self.clone());
        let _entered = scope.enter();
        work()
    }

    /// `future` with this as the current id whenever it is polled. For tasks that go on by themselves:
    ///
    /// ```
    /// # use dockerflow_runtime::RequestId;
    /// async fn order(id: RequestId) -> &'static str {
    ///     actix_web::rt::spawn(id.carry(async { log::info!("mailed, in the name of the request") }));
    ///     "ordered"
    /// }
    /// ```
    pub fn carry<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        InScope::new(future, Scope::new(self.clone()))
    }

    /// What the client sent, if it is sane, else a fresh one.
    pub(crate) fn accept(sent: Option<&HeaderValue>) -> Self {
        sent.filter(|value| is_sane(value.as_bytes()))
            .map_or_else(Self::fresh, |value| Self(value.clone()))
    }

    fn fresh() -> Self {
        let (high, low) =
            GENERATOR.with_borrow_mut(|generator| (generator.next_u64(), generator.next_u64()));
        let text = uuid(high, low);
        Self(HeaderValue::from_bytes(&text).expect("hexadecimal digits are fit for a header"))
    }

    pub(crate) fn carry_body<B: MessageBody>(
        &self,
        body: B,
    ) -> impl MessageBody<Error = B::Error> + use<B> {
        InScope::new(body, Scope::new(self.clone()))
    }

    /// The id: sane, so that it needs no escape.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn into_value(self) -> HeaderValue {
        self.0
    }
}

/// Runs `work` on the pool of threads for work that blocks, as [`web::block`](actix_web::web::block) does, and what it logs there
/// has the id of the request that waits for it.
///
/// # Errors
///
/// [`BlockingError`] where `work` panics, or the pool is gone.
pub async fn block<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BlockingError> {
    let id = RequestId::current();
    actix_web::web::block(move || match id {
        Some(id) => id.scope(work),
        None => work(),
    })
    .await
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RequestId({})", self.as_str())
    }
}

impl FromRequest for RequestId {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(_request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let outside =
            || ErrorInternalServerError("no request id: the app is not a Dockerflow service");
        ready(Self::current().ok_or_else(outside))
    }
}

/// Calls `use_id` with the id of the request that is handled on this thread, if one is.
pub(crate) fn with(use_id: impl FnOnce(&[u8])) {
    let _ = CURRENT.try_with(|scope| {
        if let Ok(scope) = scope.try_borrow()
            && let Some(id) = &scope.id
        {
            use_id(id.as_bytes());
        }
    });
}

/// What is known, wherever a request's code runs, of the request.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    id: Option<RequestId>,
    summary: Option<Summary>,
}

thread_local! {
    /// The scope of the future that is polled on this thread. Each poll swaps its own in and out again.
    static CURRENT: RefCell<Scope> = const { RefCell::new(Scope { id: None, summary: None }) };
    static GENERATOR: RefCell<Xoshiro256PlusPlus> = RefCell::new(rand::make_rng());
}

impl Scope {
    pub(crate) fn new(id: RequestId) -> Self {
        Self {
            id: Some(id),
            summary: None,
        }
    }

    /// Makes this the current one, until what is returned drops.
    pub(crate) fn enter(&mut self) -> Entered<'_> {
        self.swap();
        Entered(self)
    }

    fn swap(&mut self) {
        let _ = CURRENT.try_with(|current| mem::swap(self, &mut *current.borrow_mut()));
    }

    pub(crate) fn id(&self) -> Option<&RequestId> {
        self.id.as_ref()
    }

    pub(crate) fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    pub(crate) fn into_id(self) -> Option<RequestId> {
        self.id
    }
}

/// The current request's summary, made when it is first asked for. `None` outside a request.
pub(crate) fn summary() -> Option<Summary> {
    let found = CURRENT.try_with(|scope| {
        let mut scope = scope.borrow_mut();
        scope
            .id
            .is_some()
            .then(|| scope.summary.get_or_insert_default().clone())
    });
    found.ok().flatten()
}

/// A scope is the current one as long as this lives.
pub(crate) struct Entered<'a>(&'a mut Scope);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.swap();
    }
}

pin_project! {
    /// A future, or a body, whose scope is the current one whenever it is polled, and when it is dropped.
    pub(crate) struct InScope<F> {
        #[pin]
        future: Option<F>,
        scope: Scope,
    }

    impl<F> PinnedDrop for InScope<F> {
        fn drop(this: Pin<&mut Self>) {
            this.abandon();
        }
    }
}

impl<F> InScope<F> {
    pub(crate) fn new(future: F, scope: Scope) -> Self {
        Self {
            future: Some(future),
            scope,
        }
    }

    /// Drops the future of which nothing is left to run, and gives its scope.
    pub(crate) fn end(self: Pin<&mut Self>) -> Scope {
        let mut this = self.project();
        this.future.set(None);
        mem::take(this.scope)
    }

    /// Drops the future wherever it is, which may run code of its own, and gives its scope.
    pub(crate) fn abandon(self: Pin<&mut Self>) -> Scope {
        let mut this = self.project();
        if this.future.is_some() {
            let _entered = this.scope.enter();
            this.future.set(None);
        }
        mem::take(this.scope)
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.scope.enter();
        let future = this.future.as_pin_mut();
        future
            .expect("a future is not polled after it is ready")
            .poll(context)
    }
}

impl<B: MessageBody> MessageBody for InScope<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.future
            .as_ref()
            .map_or(BodySize::None, MessageBody::size)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        let this = self.project();
        let _entered = this.scope.enter();
        match this.future.as_pin_mut() {
            Some(body) => body.poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

fn is_sane(id: &[u8]) -> bool {
    let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:;/=+~|@,".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.iter().all(sane)
}

/// The text of a UUID of version 4 (RFC 9562, 5.4) with these random bits.
fn uuid(high: u64, low: u64) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    /// Where the digits of each byte stand.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let mut text = [b'-'; 36];
    let bits = u128::from(high) << 64 | u128::from(low);
    for (byte, place) in bits.to_be_bytes().into_iter().zip(PLACES) {
        text[place] = DIGITS[usize::from(byte >> 4)];
        text[place + 1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_id_is_a_uuid_of_version_4() {
        assert_eq!(&uuid(0, 0), b"00000000-0000-4000-8000-000000000000");
        assert_eq!(
            &uuid(u64::MAX, u64::MAX),
            b"ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            &uuid(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210),
            b"01234567-89ab-4def-bedc-ba9876543210"
        );
        assert_ne!(RequestId::fresh(), RequestId::fresh());
    }

    #[test]
    fn a_sane_id_is_taken_and_another_is_not() {
        let longest = "x".repeat(LONGEST);
        for sane in [
            "1",
            "abc-DEF_1.2",
            "105445aa7843bc8bf206b12000100000/1;o=1",
            "Root=1-67891233-ab",
            &longest,
        ] {
            let sent = HeaderValue::from_str(sane).expect("fit");
            assert_eq!(RequestId::accept(Some(&sent)).as_str(), sane);
        }
        let long = "x".repeat(LONGEST + 1);
        for insane in [
            "", " ", "a b", "a\"b", "a\\b", "a\tb", "<b>", "é", "{}", &long,
        ] {
            let sent = HeaderValue::from_bytes(insane.as_bytes()).expect("fit");
            assert_eq!(
                RequestId::accept(Some(&sent)).as_str().len(),
                36,
                "{insane:?}"
            );
        }
        assert_eq!(RequestId::accept(None).as_str().len(), 36);
    }

    #[test]
    fn scopes_nest_and_a_panic_leaves_them() {
        let [outer, inner] = ["outer", "inner"].map(|id| RequestId(HeaderValue::from_static(id)));
        outer.scope(|| {
            inner.scope(|| assert_eq!(RequestId::current(), Some(inner.clone())));
            let ended = std::panic::catch_unwind(|| inner.scope(|| panic!("out of here")));
            assert!(ended.is_err());
            assert_eq!(RequestId::current(), Some(outer.clone()));
        });
        assert_eq!(RequestId::current(), None);
    }
}
