//! Whether a value may be shown: not if it may be a secret. It hides too much rather than too little.

use crate::{cut::cut, error::BadSetting};

/// A name that contains one of these sounds like a secret's.
const ANYWHERE: [&str; 21] = [
    "pass", "pwd", "secret", "token", "key", "cred", "auth", "bearer", "dsn", "cookie", "private",
    "psk", "jwt", "hmac", "salt", "seed", "session", "cert", "webhook", "licens", "licenc",
];
/// A name that has one of these as a whole word sounds like a secret's; `design`, `ping` and `footprint` do not.
const WORDS: [&str; 17] = [
    "pin",
    "pins",
    "pincode",
    "otp",
    "otps",
    "totp",
    "hotp",
    "sign",
    "signing",
    "signature",
    "signatures",
    "conn",
    "conns",
    "connstr",
    "connection",
    "sas",
    "pat",
];
/// The same for a word that ends like this: `userpin`, `loginotp`, `dbconn`.
const ENDS: [&str; 3] = ["pin", "otp", "conn"];
/// A value that contains one of these may be a secret, whatever its name.
const VALUES: [&str; 9] = [
    "://",
    "@",
    "password",
    "passwd",
    "pwd=",
    "secret",
    "token",
    "-----begin",
    "bearer ",
];

/// How many bytes of a text are shown.
const LONGEST: usize = 200;

/// Returns the text, unless the key's name or the text itself says that it may be a secret. A long one is cut.
pub(crate) fn shown(name: &str, text: &str) -> Option<String> {
    (!sounds_secret(name) && !looks_secret(text)).then(|| beginning(text))
}

/// Returns the beginning of a text that an error shows.
pub(crate) fn beginning(text: &str) -> String {
    cut(text, LONGEST).into_owned()
}

impl BadSetting {
    /// Adds the value of the setting, unless its name or the value itself suggests that it is a
    /// secret. A value of more than 200 characters is cut.
    ///
    /// ```
    /// use dockerflow::BadSetting;
    ///
    /// let size = BadSetting::new("page_size", "at most 100").held("1000");
    /// assert_eq!(size.to_string(), "page_size is \"1000\", expected at most 100");
    /// let token = BadSetting::new("api_token", "32 characters").held("swordfish");
    /// assert_eq!(token.to_string(), "api_token: expected 32 characters");
    /// ```
    #[must_use]
    pub fn held(mut self, text: impl Into<String>) -> Self {
        self.held = shown(&self.name, &text.into());
        self
    }
}

/// Returns whether a variable or key of this name may hold a secret.
pub(crate) fn sounds_secret(name: &str) -> bool {
    let lower = name.to_lowercase();
    ANYWHERE.iter().any(|word| lower.contains(word))
        || words(name).iter().any(|word| {
            WORDS.contains(&word.as_str()) || ENDS.iter().any(|end| word.ends_with(end))
        })
}

/// Returns whether the text itself may be a secret, or has one in it.
pub(crate) fn looks_secret(text: &str) -> bool {
    let lower = text.to_lowercase();
    VALUES.iter().any(|part| lower.contains(part)) || text.starts_with("eyJ")
}

/// Returns the words of `db_pin`, `db-pin`, `dbPin`, `DB_PIN`, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for character in name.chars() {
        if !character.is_alphabetic() || (character.is_uppercase() && lower) {
            words.push(String::new());
        }
        lower = character.is_lowercase();
        if character.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_sounds_like_a_secret_hides_its_value() {
        for name in [
            "password",
            "DB_PASS",
            "dbpass",
            "PGPASSWORD",
            "passphrase",
            "pwd",
            "client_secret",
            "api-token",
            "apiKey",
            "credentials",
            "auth",
            "SENTRY_DSN",
            "cookie",
            "private",
            "pin",
            "card_pin",
            "userPin",
            "otp",
            "TOTP",
            "otp2",
            "psk",
            "wifi_psk",
            "salt",
            "hash-salt",
            "seed",
            "jwt",
            "hmac",
            "sign",
            "sign_with",
            "signature",
            "signingKey",
            "session",
            "session_id",
            "conn",
            "DB_CONN",
            "connStr",
            "dbconn",
            "connection",
            "cert",
            "tls_cert",
            "certificate",
            "webhook",
            "slack_webhook_url",
            "license",
            "licence",
        ] {
            assert!(sounds_secret(name), "{name}");
            assert_eq!(shown(name, "12345"), None, "{name}");
        }
        for name in [
            "port",
            "name",
            "page_size",
            "design",
            "signal",
            "ping_interval",
            "spinner",
            "mapping",
            "footprint",
            "max_connections",
            "connect_timeout",
            "host",
            "url",
            "workers",
        ] {
            assert_eq!(shown(name, "12345").as_deref(), Some("12345"), "{name}");
        }
    }

    #[test]
    fn a_value_that_looks_like_a_secret_is_hidden_whatever_its_name() {
        for text in [
            "postgres://me:hunter2@db/x",
            "me@hunter2",
            "Server=db;Password=hunter2",
            "Bearer hunter2",
            "eyJhbGciOiJIUzI1NiJ9.e30.x",  // pragma: allowlist secret
            "-----BEGIN PRIVATE KEY-----", // pragma: allowlist secret
        ] {
            assert_eq!(shown("x", text), None, "{text}");
        }
    }
}
