//! The heartbeat as a page for people: one file without a script, an image or a font of its own.

use std::{
    fmt::{self, Display, Write as _},
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;

use crate::{
    cut::cut,
    health::{CheckHistory, CheckReport, Level, RUNS, Report},
};

const STYLE: &str = include_str!("page.css");

/// The policy of the page: nothing is loaded, nothing runs, and the only style is [`STYLE`], by its hash.
pub(super) const SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-r6+wnI/F2jRjlkQiIAC2mSI7lniUJZfLr1GWc6IRjvI='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Messages of a check that are shown; the JSON and the log have more.
const MESSAGES: usize = 10;

/// Checks that the heading names; the table has them all.
const NAMES: usize = 5;

/// Who answers, as the page says it.
#[derive(Debug)]
pub(crate) struct Identity {
    name: String,
    host: String,
    version: String,
    commit: String,
    /// The commit's page, if the source is a link.
    commit_url: Option<String>,
    started: Instant,
}

impl Identity {
    /// Takes the program's name and the version object.
    pub(crate) fn new(name: String, version: &[u8]) -> Self {
        let version: Value = serde_json::from_slice(version).unwrap_or_default();
        let fact = |key: &str| version[key].as_str().unwrap_or_default().to_owned();
        let (source, commit) = (fact("source"), fact("commit"));
        let is_hash = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let commit_url = (source.starts_with("https://") && is_hash).then(|| {
            let source = source.trim_end_matches('/');
            let source = source.strip_suffix(".git").unwrap_or(source);
            let folder = if source.starts_with("https://bitbucket.org/") {
                "commits"
            } else {
                "commit"
            };
            format!("{source}/{folder}/{commit}")
        });
        Self {
            name,
            host: hostname::get()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            version: fact("version"),
            commit,
            commit_url,
            started: Instant::now(),
        }
    }
}

/// A page. Its `Display` is the HTML.
pub(super) struct Page<'a> {
    pub(super) identity: &'a Identity,
    pub(super) draining: bool,
    pub(super) report: &'a Report,
    /// What only operations may see; `None` if the page is public.
    pub(super) details: Option<Details>,
    /// Seconds after which the browser loads the page again.
    pub(super) refresh: Option<u64>,
    /// The part of the query that names checks, as it came.
    pub(super) checks_query: String,
}

/// What only operations may see.
pub(super) struct Details {
    pub(super) address: SocketAddr,
    /// The last runs of each check of the report.
    pub(super) history: Vec<CheckHistory>,
    /// Why `/__lbheartbeat__` fails.
    pub(super) liveness: Vec<String>,
}

impl Display for Page<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, word) = self.state();
        let name = Escaped(&self.identity.name);
        out.write_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        out.write_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n")?;
        out.write_str("<meta name=\"robots\" content=\"noindex\">\n")?;
        if let Some(seconds) = self.refresh {
            writeln!(out, "<meta http-equiv=\"refresh\" content=\"{seconds}\">")?;
        }
        writeln!(
            out,
            "<title>{word}: {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>"
        )?;
        out.write_str(SYMBOLS)?;
        let (icon, reason) = (Icon(class), self.reason());
        writeln!(
            out,
            "<header class=\"{class}\">\n<p class=\"name\">{name}</p>"
        )?;
        writeln!(out, "<h1>{icon}<span>{word}</span></h1>")?;
        writeln!(out, "<p>{}</p>\n</header>\n<main>", Escaped(&reason))?;
        self.facts(out)?;
        self.checks(out)?;
        self.refreshing(out)?;
        out.write_str("</main>\n</body>\n</html>\n")
    }
}

impl Page<'_> {
    /// Returns the class and the word of the state.
    fn state(&self) -> (&'static str, &'static str) {
        match self.report.level() {
            _ if self.draining => ("draining", "Draining"),
            Level::Error | Level::Critical => ("error", "Failing"),
            Level::Warning => ("warning", "Degraded"),
            _ => ("ok", "Healthy"),
        }
    }

    /// Returns a sentence that says why the service is in its state: the checks that fail, and those that warn.
    fn reason(&self) -> String {
        if self.draining {
            return "This instance is about to stop. No check is run any more.".into();
        }
        let checks = self.report.checks();
        let named = |verb: &str, is_one: fn(Level) -> bool| {
            let names: Vec<_> = checks
                .iter()
                .filter(|check| is_one(check.level()))
                .map(|check| cut(check.name(), 100))
                .collect();
            let more = match names.len().saturating_sub(NAMES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let names = names[..names.len().min(NAMES)].join(", ");
            (!names.is_empty()).then(|| format!("{verb}: {names}{more}."))
        };
        let failing = named("Failing", |level| level >= Level::Error);
        let degraded = named("Degraded", |level| level == Level::Warning);
        let reasons: Vec<_> = [failing, degraded].into_iter().flatten().collect();
        match (reasons.is_empty(), checks.len()) {
            (false, _) => reasons.join(" "),
            (true, 0) => "This service has no health checks.".into(),
            (true, 1) => "Its only check is well.".into(),
            (true, count) => format!("All {count} checks are well."),
        }
    }

    fn facts(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity {
            host,
            version,
            commit,
            commit_url,
            started,
            ..
        } = self.identity;
        out.write_str("<dl>\n")?;
        fact(out, "Version", &Escaped(or_unknown(version)))?;
        match commit_url {
            Some(url) => {
                let (url, commit) = (Escaped(url), Escaped(commit));
                fact(
                    out,
                    "Commit",
                    &format_args!("<a href=\"{url}\">{commit}</a>"),
                )?;
            }
            None => fact(out, "Commit", &Escaped(or_unknown(commit)))?,
        }
        if let Some(details) = &self.details {
            let uptime = Duration::from_secs(started.elapsed().as_secs());
            fact(out, "Uptime", &humantime::format_duration(uptime))?;
            let host = Escaped(host);
            fact(out, "Address", &format_args!("{host}, {}", details.address))?;
            for failure in &details.liveness {
                fact(out, "Not live", &Escaped(failure))?;
            }
        }
        out.write_str("</dl>\n")
    }

    fn checks(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = self.report.checks();
        if self.draining || checks.is_empty() {
            return Ok(());
        }
        out.write_str("<table>\n<caption>Health checks</caption>\n<thead><tr><th scope=\"col\">Check</th><th scope=\"col\">Level</th>")?;
        if self.details.is_some() {
            out.write_str("<th scope=\"col\">Messages</th><th scope=\"col\">Last change</th>")?;
            write!(out, "<th scope=\"col\">Last {RUNS} runs</th>")?;
        }
        out.write_str("</tr></thead>\n<tbody>\n")?;
        let mut order: Vec<_> = checks.iter().enumerate().collect();
        order.sort_by_key(|(_, check)| std::cmp::Reverse(check.level()));
        for (index, check) in order {
            let level = check.level().as_str();
            let (name, icon) = (Escaped(check.name()), Icon(level));
            write!(out, "<tr><th scope=\"row\">{name}</th>")?;
            write!(out, "<td class=\"level {level}\">{icon} {level}</td>")?;
            if let Some(details) = &self.details {
                messages(out, check)?;
                let history = details.history.get(index).cloned().unwrap_or_default();
                changed(out, check, &history)?;
                write!(out, "<td class=\"runs\">{}</td>", Runs(&history))?;
            }
            out.write_str("</tr>\n")?;
        }
        out.write_str("</tbody>\n</table>\n")
    }

    fn refreshing(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = Escaped(&self.checks_query);
        let and = if self.checks_query.is_empty() {
            ""
        } else {
            "&amp;"
        };
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        write!(out, "<p>As of <time datetime=\"{now}\">{now}</time>. ")?;
        match self.refresh {
            Some(seconds) => writeln!(
                out,
                "This page refreshes every {seconds} seconds. <a href=\"?{checks}\">Stop refreshing</a></p>"
            ),
            None => writeln!(
                out,
                "<a href=\"?{checks}{and}refresh=5\">Refresh every 5 seconds</a></p>"
            ),
        }
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

fn fact(out: &mut fmt::Formatter<'_>, name: &str, value: &dyn Display) -> fmt::Result {
    writeln!(out, "<dt>{name}</dt><dd>{value}</dd>")
}

fn messages(out: &mut fmt::Formatter<'_>, check: &CheckReport) -> fmt::Result {
    out.write_str("<td><ul>")?;
    for message in check.messages().iter().take(MESSAGES) {
        let text = cut(message.text(), 1000);
        write!(
            out,
            "<li>{}: {}</li>",
            Escaped(message.id()),
            Escaped(&text)
        )?;
    }
    for (key, value) in check.data().take(MESSAGES) {
        let text = value.to_string();
        let text = cut(&text, 1000);
        write!(
            out,
            "<li class=\"dim\">{} = {}</li>",
            Escaped(key),
            Escaped(&text)
        )?;
    }
    let more = check.messages().len().saturating_sub(MESSAGES) + check.omitted();
    if more > 0 {
        write!(out, "<li>{more} more in the log</li>")?;
    }
    out.write_str("</ul></td>")
}

fn changed(
    out: &mut fmt::Formatter<'_>,
    check: &CheckReport,
    history: &CheckHistory,
) -> fmt::Result {
    match history.changed {
        Some(time) => {
            let ago = SystemTime::now().duration_since(time).unwrap_or_default();
            let ago = humantime::format_duration(Duration::from_secs(ago.as_secs()));
            let time = humantime::format_rfc3339_seconds(time);
            write!(out, "<td><time datetime=\"{time}\">{ago} ago</time></td>")
        }
        None if check.level() >= Level::Error && !history.was_well => {
            out.write_str("<td>never well since the start</td>")
        }
        None => out.write_str("<td>none since the start</td>"),
    }
}

/// The last runs as bars, the worse the higher, over a line of how long each took.
struct Runs<'a>(&'a CheckHistory);

impl Display for Runs<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: Vec<_> = self.0.runs().collect();
        let slowest = runs.iter().map(|(_, took)| *took).max().unwrap_or_default();
        let mut label = String::new();
        for level in LEVELS {
            let count = runs.iter().filter(|(one, _)| *one == level).count();
            if count > 0 {
                write!(label, "{count} {level}, ")?;
            }
        }
        let slowest_ms = slowest.as_millis();
        write!(
            out,
            "<svg viewBox=\"0 0 240 46\" role=\"img\" aria-label=\"{} runs: {label}the slowest took {slowest_ms} ms\">",
            runs.len()
        )?;
        let first = RUNS - runs.len().min(RUNS);
        for index in 0..first {
            let x = index * 4;
            write!(
                out,
                "<rect class=\"none\" x=\"{x}\" y=\"22\" width=\"3\" height=\"2\"/>"
            )?;
        }
        for (index, (level, _)) in runs.iter().enumerate() {
            let height = match level {
                Level::Error | Level::Critical => 24,
                Level::Warning => 14,
                _ => 6,
            };
            let (x, y) = ((first + index) * 4, 24 - height);
            write!(
                out,
                "<rect class=\"{level}\" x=\"{x}\" y=\"{y}\" width=\"3\" height=\"{height}\"/>"
            )?;
        }
        out.write_str("<polyline points=\"")?;
        for (index, (_, took)) in runs.iter().enumerate() {
            // At most 16 high.
            let height = took.as_micros() * 16 / slowest.as_micros().max(1);
            write!(out, "{},{} ", (first + index) * 4 + 1, 45 - height)?;
        }
        write!(
            out,
            "\"/></svg><span class=\"dim\">slowest {slowest_ms} ms</span>"
        )
    }
}

const LEVELS: [Level; 6] = [
    Level::Ok,
    Level::Debug,
    Level::Info,
    Level::Warning,
    Level::Error,
    Level::Critical,
];

/// The shape of a state or a level, which is known without its colour.
struct Icon<'a>(&'a str);

impl Display for Icon<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = match self.0 {
            "warning" => "triangle",
            "error" | "critical" => "octagon",
            "draining" => "square",
            _ => "circle",
        };
        write!(
            out,
            "<svg viewBox=\"0 0 24 24\" aria-hidden=\"true\"><use href=\"#{shape}\"/></svg>"
        )
    }
}

/// A circle with a check mark, a triangle with an exclamation mark, an octagon with a cross, a square with an arrow out of it.
const SYMBOLS: &str = "<svg class=\"symbols\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\">\
<symbol id=\"circle\" viewBox=\"0 0 24 24\"><circle cx=\"12\" cy=\"12\" r=\"11\" fill=\"currentColor\"/><path class=\"mark\" d=\"M7 12.5l3.5 3.5L17 8.5\"/></symbol>\
<symbol id=\"triangle\" viewBox=\"0 0 24 24\"><path fill=\"currentColor\" d=\"M12 1.5L23.5 22.5H.5z\"/><path class=\"mark\" d=\"M12 9v6M12 19v.1\"/></symbol>\
<symbol id=\"octagon\" viewBox=\"0 0 24 24\"><path fill=\"currentColor\" d=\"M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z\"/><path class=\"mark\" d=\"M8 8l8 8M16 8l-8 8\"/></symbol>\
<symbol id=\"square\" viewBox=\"0 0 24 24\"><rect x=\"1\" y=\"1\" width=\"22\" height=\"22\" rx=\"3\" fill=\"currentColor\"/><path class=\"mark\" d=\"M6 12h11M13 7.5l4.5 4.5L13 16.5\"/></symbol>\
</svg>\n";

/// Text that HTML shows as it is, between tags and in quoted attributes.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                // HTML has no way to write these, and those of the second line would turn the text that follows.
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{7f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' => {
                    out.write_str("\u{fffd}")?;
                }
                other => out.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::health::Message;

    fn identity() -> Identity {
        let version = br#"{"source":"https://github.com/example/shop.git","version":"v1.2.3","commit":"abc123","build":""}"#;
        Identity::new("shop & co".into(), version)
    }

    fn page(checks: Vec<CheckReport>, details: Option<Details>) -> String {
        let page = Page {
            identity: &identity(),
            draining: false,
            report: &Report::new(checks, Duration::ZERO),
            details,
            refresh: None,
            checks_query: String::new(),
        };
        page.to_string()
    }

    fn details(checks: usize) -> Details {
        Details {
            address: ([127, 0, 0, 1], 8000).into(),
            history: vec![CheckHistory::default(); checks],
            liveness: vec!["consumer: not fed".into()],
        }
    }

    #[test]
    fn the_policy_has_the_hash_of_the_style() {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        assert!(
            SECURITY_POLICY.contains(&format!("'sha256-{hash}'")),
            "{hash}"
        );
    }

    #[test]
    fn every_text_is_escaped() {
        let message = Message::error("<i>", "\"<b>'&\u{1}").with("<u>", "<s>");
        let page = page(
            vec![CheckReport::new("<script>", Duration::ZERO, message)],
            Some(details(1)),
        );
        for tag in ["<script>", "<i>", "<b>", "<u>", "<s>", "\u{1}"] {
            assert!(!page.contains(tag), "{tag}");
        }
        assert!(page.contains("&lt;script&gt;") && page.contains("shop &amp; co"));
    }

    #[test]
    fn a_public_page_has_no_message_no_address_no_history() {
        let check = || {
            vec![CheckReport::new(
                "one",
                Duration::ZERO,
                Message::error("id", "a secret").with("key", 1),
            )]
        };
        let public = page(check(), None);
        for hidden in [
            "a secret",
            "key",
            "Uptime",
            "Address",
            "<td class=\"runs\"",
            "Not live",
        ] {
            assert!(!public.contains(hidden), "{hidden}");
        }
        let detailed = page(check(), Some(details(1)));
        for shown in [
            "a secret",
            "key = 1",
            "Uptime",
            "127.0.0.1:8000",
            "<td class=\"runs\"",
            "consumer: not fed",
        ] {
            assert!(detailed.contains(shown), "{shown}");
        }
        assert!(
            public.contains("<a href=\"https://github.com/example/shop/commit/abc123\">abc123</a>")
        );
    }

    #[test]
    fn a_source_that_is_not_a_link_to_https_gives_no_link() {
        for source in ["javascript:alert(1)//", "http://example.com", ""] {
            let version = serde_json::json!({"source": source, "commit": "abc"}).to_string();
            assert_eq!(
                Identity::new("x".into(), version.as_bytes()).commit_url,
                None
            );
        }
    }

    #[test]
    fn a_megabyte_of_data_and_numbers_that_json_lacks_make_no_long_page() {
        let message = Message::warning("id", "y".repeat(1 << 20))
            .with("big", "x".repeat(1 << 20))
            .with("not a number", f64::NAN);
        let check = CheckReport::new("one", Duration::ZERO, message);
        let page = page(vec![check], Some(details(1)));
        assert!(page.len() < 16 * 1024, "{}", page.len());
        assert!(
            page.contains("not a number = null") && page.contains("xxx…"),
            "{page}"
        );
    }

    #[test]
    fn the_heading_names_the_checks_that_fail_and_those_that_warn() {
        let heading = |checks: Vec<CheckReport>| {
            let page = page(checks, None);
            let (_, heading) = page.split_once("</h1>\n<p>").expect("a heading");
            heading.split_once("</p>").expect("its end").0.to_owned()
        };
        let check =
            |name, outcome: Option<Message>| CheckReport::new(name, Duration::ZERO, outcome);
        let failing = |name| check(name, Some(Message::error("a", "b")));
        assert_eq!(heading(Vec::new()), "This service has no health checks.");
        assert_eq!(heading(vec![check("one", None)]), "Its only check is well.");
        let both = vec![
            check("one", None),
            check("two", Some(Message::info("a", "b"))),
        ];
        assert_eq!(heading(both), "All 2 checks are well.");
        let each = vec![
            check("queue", Some(Message::warning("a", "b"))),
            failing("<database>"),
            check("disk", None),
        ];
        assert_eq!(heading(each), "Failing: &lt;database&gt;. Degraded: queue.");
        let many = ["a", "b", "c", "d", "e", "f", "g"].map(failing);
        assert_eq!(heading(many.into()), "Failing: a, b, c, d, e and 2 more.");
    }

    #[test]
    fn the_state_has_a_word_and_a_shape_of_its_own() {
        let check =
            |outcome: Option<Message>| vec![CheckReport::new("one", Duration::ZERO, outcome)];
        for (checks, word, shape) in [
            (check(None), "Healthy", "circle"),
            (check(Some(Message::info("a", "b"))), "Healthy", "circle"),
            (
                check(Some(Message::warning("a", "b"))),
                "Degraded",
                "triangle",
            ),
            (check(Some(Message::error("a", "b"))), "Failing", "octagon"),
            (
                check(Some(Message::critical("a", "b"))),
                "Failing",
                "octagon",
            ),
        ] {
            let page = page(checks, None);
            let heading = page.split_once("<h1").expect("a heading").1;
            let heading = heading.split_once("</h1>").expect("its end").0;
            assert!(
                heading.contains(word) && heading.contains(shape),
                "{heading}"
            );
        }
        assert!(page(Vec::new(), None).contains("has no health checks"));
    }
}
