//! The checks of the program: every `#[health_check]` that is linked into it.

use std::{
    fmt::{self, Display},
    time::Duration,
};

use super::{check::Check, definition::Definition, level::Level};
use crate::error::Error;

/// A check's entry in the program's registry.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Registration(pub fn() -> Definition);

inventory::collect!(Registration);

impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0().fmt(formatter)
    }
}

/// Returns every check that is registered in this program, by name and place.
///
/// A check in a library that the program never names is not linked, and so not registered; nothing
/// warns about it. A test notices if one is missing:
///
/// ```standalone_crate
/// #[dockerflow::health_check]
/// async fn database() {}
///
/// let names: Vec<_> = dockerflow::health::registered().iter().map(|check| check.name()).collect();
/// assert_eq!(names, ["database"]);
/// ```
#[must_use]
pub fn registered() -> Vec<RegisteredCheck> {
    let all = definitions().into_iter();
    all.map(|definition| RegisteredCheck(definition.check))
        .collect()
}

/// A check that is registered in this program, with its properties. `Display` writes its name and place, as
/// `database (src/checks.rs:12)`.
///
/// ```
/// use std::time::Duration;
/// use dockerflow::health::registered;
///
/// // A table of the checks, for those who are on call.
/// for check in registered() {
///     let timeout = check.timeout().unwrap_or(Duration::from_millis(800));
///     println!("{}: at most {}, within {timeout:?}", check.name(), check.level());
///     println!("    defined at {}:{}", check.file(), check.line());
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RegisteredCheck(pub(super) Check);

impl RegisteredCheck {
    /// Returns the name in the heartbeat.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// Returns the source file, as `file!()` has it.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.0.place.file
    }

    /// Returns the line in the source file.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.0.place.line
    }

    /// Returns the worst level that the check can have.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.worst
    }

    /// Returns the deadline; `None` if it is that of `DOCKERFLOW_HEARTBEAT_TIMEOUT`, which is 800
    /// ms by default.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.0.timeout
    }
}

impl Display for RegisteredCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.0.name, self.0.place)
    }
}

/// Returns the checks of a service, sorted by name: those that it names, else every registered one.
///
/// # Errors
///
/// [`Error::DuplicateCheck`] if two have one name.
pub(crate) fn of_service(chosen: Option<&[fn() -> Definition]>) -> Result<Vec<Definition>, Error> {
    let checks = match chosen {
        Some(chosen) => sorted(chosen.iter().map(|definition| definition())),
        None => definitions(),
    };
    let mut pairs = checks.iter().zip(checks.iter().skip(1));
    match pairs.find(|(one, other)| one.check.name == other.check.name) {
        Some((one, other)) => Err(Error::DuplicateCheck {
            name: one.check.name,
            places: [one.check.place, other.check.place].map(|place| place.to_string()),
        }),
        None => Ok(checks),
    }
}

fn definitions() -> Vec<Definition> {
    sorted(inventory::iter::<Registration>().map(|registration| registration.0()))
}

/// Sorts by name and place, so that the order of linking does not matter.
fn sorted(definitions: impl Iterator<Item = Definition>) -> Vec<Definition> {
    let mut all: Vec<_> = definitions.collect();
    all.sort_by_key(|one| (one.check.name, one.check.place.file, one.check.place.line));
    all
}
