//! Timers and gauges for the backends of an app.

use std::{sync::Arc, time::Instant};

use cadence::prelude::*;

use super::client::Metrics;

impl Metrics {
    /// Awaits `future`, sends how long that took, in milliseconds, as the timer `name`, and returns
    /// its output. A future that is dropped before it ends is not measured.
    ///
    /// ```
    /// # use dockerflow::Metrics;
    /// # async fn query() -> Result<u32, std::io::Error> { Ok(7) }
    /// # async fn handler(metrics: Metrics) -> Result<u32, std::io::Error> {
    /// let books = metrics.measure("db.query", query()).await?;
    /// # Ok(books)
    /// # }
    /// ```
    pub async fn measure<F: Future>(&self, name: &str, future: F) -> F::Output {
        let began = Instant::now();
        let output = future.await;
        self.time_with_tags(name, began.elapsed()).send();
        output
    }

    /// Registers `read`, which is called every second and at every scrape. Each pair that it returns is sent as the gauge
    /// `name.key`: for example, how full a pool is, or how long a queue. It must be quick. A second call with the same name
    /// replaces the first, so that each worker may make it.
    ///
    /// ```
    /// # use dockerflow::Metrics;
    /// # struct Pool;
    /// # impl Pool { fn size(&self) -> u32 { 10 } fn idle(&self) -> u32 { 3 } fn waiting(&self) -> u32 { 0 } }
    /// # fn register(metrics: &Metrics, pool: Pool) {
    /// metrics.gauges("db.pool", move || {
    ///     [
    ///         ("size", pool.size().into()),
    ///         ("idle", pool.idle().into()),
    ///         ("waiting", pool.waiting().into()),
    ///     ]
    /// });
    /// # }
    /// ```
    pub fn gauges<I>(&self, name: &str, read: impl Fn() -> I + Send + Sync + 'static)
    where
        I: IntoIterator<Item = (&'static str, u64)>,
    {
        if let Some(recorder) = self.recorder() {
            let read = move || read().into_iter().collect();
            recorder.state.observe(name, Arc::new(read));
        }
    }
}
