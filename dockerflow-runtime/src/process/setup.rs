//! The settings in a program's code, and `--config`.

use std::path::PathBuf;

use crate::environment;

#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    pub(super) name: Option<String>,
    pub(super) defaults: Vec<(String, String)>,
    pub(super) config: Option<PathBuf>,
    pub(super) settings_prefix: String,
}

impl Setup {
    pub(super) fn program(&self) -> String {
        self.name.clone().unwrap_or_else(environment::program)
    }
}
