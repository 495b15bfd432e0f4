//! How do the checks get their arguments? On the worker that has the request, each by itself.

use std::sync::Arc;

use actix_web::HttpRequest;
use futures_util::future::{Either, join_all, select};
use tokio::sync::oneshot;

use super::{
    blocking::{Blocking, Polled, Timed},
    check::Job,
    definition::Definition,
    faults::panicked,
    message::Message,
};
use crate::logging;

/// A check's arguments in a job, or why there are none.
pub(super) type Arguments = Result<Job, Message>;

/// Sends each check its arguments. An extraction that nobody waits for any more is given up.
pub(super) async fn extract(
    definitions: Arc<[Definition]>,
    request: HttpRequest,
    senders: Vec<oneshot::Sender<Arguments>>,
    blocking: Arc<Blocking>,
) {
    let each = definitions.iter().zip(senders).enumerate();
    let each = each.map(|(index, (definition, mut sender))| {
        let timed = Timed {
            future: definition.prepare(request.clone()),
            index,
            polled: Polled::Arguments,
            blocking: blocking.clone(),
        };
        async move {
            let contained = logging::contain(timed);
            let arguments = match select(Box::pin(contained), Box::pin(sender.closed())).await {
                Either::Left((Ok(arguments), _)) => arguments,
                Either::Left((Err(panic), _)) => Err(panicked(&definition.check, panic)),
                Either::Right(_) => return,
            };
            let _given_up = sender.send(arguments);
        }
    });
    join_all(each).await;
}
