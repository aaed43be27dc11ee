//! What time it was by AWS's own clock when it answered: the `Date` of the answer. A replica's
//! clock may be off, and what AWS dates by its own is compared with this one.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::{Intercept, context, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use bowline_core::model::{Span, Wall};

use super::instant::to_wall;

/// Reads the date of the answer to one call.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerClock(Arc<Mutex<Option<Wall>>>);

impl ServerClock {
    /// By when the answer was given; none if it had no date. A date has whole seconds, so it was
    /// given before the next one began.
    pub(super) fn told_by(&self) -> Option<Wall> {
        let date = *self.0.lock().ok()?;
        Some(date? + Span::secs(1))
    }
}

#[dyn_dispatch_hint]
impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        seen: &context::BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = seen.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        if let Ok(mut last) = self.0.lock() {
            *last = date.as_ref().and_then(to_wall);
        }
        Ok(())
    }
}
