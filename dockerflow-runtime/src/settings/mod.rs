//! The application's own settings: its files, with the environment over them, as a type of its own.

mod attempts;
mod bad_setting;
mod deserializer;
mod fault;
mod files;
mod formats;
mod locate;
mod overrides;
mod read;
mod readings;
mod resolve;
mod value;
mod wording;
#[cfg(feature = "yaml")]
mod yaml;

use std::{env, ffi::OsString};

use serde::de::DeserializeOwned;

pub(crate) use self::files::Files;
use self::{bad_setting::Sources, overrides::Names};
use crate::{environment::Environment, error::Error};

const TARGET: &str = "dockerflow.settings";

/// Reads the application's settings: the file at `CONFIG_PATH`, or the files of that directory, and the environment over them.
///
/// `docs/configuration.md` has the rules. [`Server::settings`](crate::Server::settings) does the same with the files that
/// [`Server::from_env`](crate::Server::from_env) has read.
///
/// ```
/// #[derive(serde::Deserialize)]
/// #[serde(default)]
/// struct Settings {
///     page_size: u32,           // PAGE_SIZE
///     database: Database,       // DATABASE__URL
/// }
/// # #[derive(serde::Deserialize)]
/// # struct Database { url: String }
/// # impl Default for Settings {
/// #     fn default() -> Self { Self { page_size: 10, database: Database { url: String::new() } } }
/// # }
/// let settings: Settings = dockerflow::settings()?;
/// # assert_eq!(settings.page_size, 10);
/// # assert_eq!(settings.database.url, "");
/// # Ok::<(), dockerflow::Error>(())
/// ```
///
/// # Errors
///
/// Returns [`Error::Settings`] with every file that cannot be read, or else with every key that is not what `T` expects. A value
/// that may be a secret is not in it.
pub fn settings<T: DeserializeOwned>() -> Result<T, Error> {
    let mut environment = Environment::of_process();
    let files = Files::read(&mut environment);
    environment.finish(files)?.settings()
}

impl Files {
    /// Reads the settings: the files, and this process's environment over them.
    pub(crate) fn settings<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.settings_with(env::vars_os())
    }

    pub(crate) fn settings_with<T: DeserializeOwned>(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<T, Error> {
        let mut warnings = self.warnings.clone();
        let mut root = self.merged();
        let known = Names {
            prefix: &self.prefix,
            keys: overrides::keys::<T>(),
        };
        let mut bad = overrides::apply(&mut root, variables, known, &mut warnings);
        let open = known.keys.is_none() && known.prefix.is_empty();
        let sources = Sources {
            prefix: &self.prefix,
            files: self.named_by,
        };
        let read = read::read(root, sources, open);
        let warn = |warnings: Vec<String>| {
            for warning in warnings {
                log::warn!(target: TARGET, "{warning}");
            }
        };
        warn(warnings);
        match read {
            Ok(read) if bad.is_empty() => {
                warn(read.warnings);
                Ok(read.settings)
            }
            Ok(_) => Err(Error::Settings(bad)),
            Err(more) => {
                bad.extend(more);
                Err(Error::Settings(bad))
            }
        }
    }
}

#[cfg(all(test, feature = "toml", feature = "yaml"))]
#[allow(
    clippy::items_after_statements,
    clippy::too_many_lines,
    clippy::zero_sized_map_values,
    reason = "types stand beside the one test that reads them; a table of cases is long"
)]
mod tests;
