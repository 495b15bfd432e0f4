//! How do the checks get their arguments? On the worker that has the request, each by itself.

use std::sync::Arc;

use actix_web::HttpRequest;
use futures_util::future::{Either, FutureExt as _, join_all, select};
use tokio::sync::oneshot;

use super::{
    blocking::{Blocking, Polled, Timed},
    check::Job,
    definition::Definition,
    faults::panicked,
    message::Message,
};
use crate::logging;

/// A check with its arguments, or why they could not be extracted.
pub(super) type Arguments = Result<Job, Message>;

/// Sends each check its arguments. An extraction for which nobody waits any more is dropped.
pub(super) async fn extract(
    definitions: Arc<[Definition]>,
    request: HttpRequest,
    senders: Vec<oneshot::Sender<Arguments>>,
    blocking: Arc<Blocking>,
) {
    let mut waiting = Vec::new();
    for (index, (definition, mut sender)) in definitions.iter().zip(senders).enumerate() {
        let mut extracting = Timed {
            future: definition.prepare(request.clone()),
            index,
            polled: Polled::Arguments,
            blocking: blocking.clone(),
        };
        let arguments = |extracted: Result<Arguments, String>| {
            extracted.unwrap_or_else(|panic| Err(panicked(&definition.check, panic)))
        };
        // Almost every extractor is ready at once.
        let first = logging::contain_call(|| (&mut extracting).now_or_never());
        if let Some(extracted) = first.transpose() {
            let _given_up = sender.send(arguments(extracted));
            continue;
        }
        waiting.push(async move {
            let extracting = Box::pin(logging::contain(extracting));
            let extracted = match select(extracting, Box::pin(sender.closed())).await {
                Either::Left((extracted, _)) => extracted,
                Either::Right(_) => return,
            };
            let _given_up = sender.send(arguments(extracted));
        });
    }
    join_all(waiting).await;
}
