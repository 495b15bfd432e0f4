//! A URL that may be shown: `https`, no credentials.

/// How a remote of git or a CI system names a repository → `https://host/path`. `None` for what is no address on a network: a
/// local path, a `file:` URL, nonsense.
#[must_use]
pub fn of_repository(text: &str) -> Option<String> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest.to_owned()),
        None => ("ssh".to_owned(), scp(text)?),
    };
    let Address { host, port, path } = Address::parse(&rest)?;
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    match (scheme.as_str(), port) {
        // A port of http is not the one that https answers on.
        ("http", Some(port)) => Some(format!("http://{host}:{port}{path}")),
        ("https" | "git+https", Some(port)) => Some(format!("https://{host}:{port}{path}")),
        (
            "https" | "http" | "ssh" | "git" | "git+https" | "git+http" | "git+ssh" | "ssh+git",
            _,
        ) => Some(format!("https://{host}{path}")),
        _ => None,
    }
}

/// The URL of a build. It keeps its scheme, as nobody knows whether the other one answers. Of query and fragment only what names
/// a build stays: the rest may hold a token.
pub fn of_build(text: &str) -> Option<String> {
    // Azure Pipelines and TeamCity, Google Cloud Build, AWS CodeBuild
    const NAMES_A_BUILD: [&str; 3] = ["buildId=", "project=", "region="];
    const NAMES_A_BUILD_IN_FRAGMENT: &str = "/builds/";
    let (scheme, rest) = text.trim().split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !["https", "http"].contains(&scheme.as_str()) {
        return None;
    }
    let Address { host, port, path } = Address::parse(rest)?;
    let mut url = format!("{scheme}://{host}");
    if let Some(port) = port {
        url.push(':');
        url.push_str(&port.to_string());
    }
    url.push_str(&path);
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut mark = '?';
    for part in query.split('&') {
        if NAMES_A_BUILD.iter().any(|name| part.starts_with(name)) {
            url.push(mark);
            url.push_str(part);
            mark = '&';
        }
    }
    if fragment.starts_with(NAMES_A_BUILD_IN_FRAGMENT) {
        url.push('#');
        url.push_str(fragment);
    }
    (!url.contains(char::is_whitespace)).then_some(url)
}

/// `user@host:path`, git's short form of `ssh://user@host/path`, as the latter without its scheme.
fn scp(text: &str) -> Option<String> {
    let (host, path) = text.split_once(':')?;
    // Without a dot it is a drive, a remote helper, or an alias that git's or ssh's configuration knows.
    let is_host = host.contains('.') && !host.contains(['/', '\\']);
    is_host.then(|| format!("{host}/{}", path.trim_start_matches('/')))
}

/// What is left of a URL after its scheme, without user, password, query and fragment.
struct Address {
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    fn parse(rest: &str) -> Option<Self> {
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let place = authority.rsplit('@').next()?;
        let (host, port) = match place.rsplit_once(':') {
            Some((host, "")) => (host, None),
            // What is no port may be a password with a slash in it: better no URL than half of that.
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (place, None),
        };
        let in_host = |character: char| character.is_alphanumeric() || "-._[]:".contains(character);
        if host.is_empty() || !host.chars().all(in_host) {
            return None;
        }
        let path = path.split(['?', '#']).next()?;
        if path.contains(char::is_control) {
            return None;
        }
        let mut clean = String::new();
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            clean.push('/');
            clean.push_str(&segment.replace(' ', "%20"));
        }
        if path.ends_with('/') {
            clean.push('/');
        }
        Some(Self {
            host: host.to_ascii_lowercase(),
            port,
            path: clean,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: &str = "https://example.org/team/app";

    #[test]
    fn every_way_to_name_a_repository_becomes_one_url() {
        for text in [
            CLEAN,
            "https://example.org/team/app.git",
            "https://example.org/team/app/",
            " https://example.org//team/app.git/ ",
            "HTTPS://Example.org/team/app",
            "http://example.org/team/app.git",
            "git://example.org/team/app.git",
            "git://example.org:9418/team/app.git",
            "ssh://git@example.org/team/app.git",
            "ssh://git@example.org:2222/team/app.git",
            "git+ssh://git@example.org/team/app",
            "git+https://example.org/team/app",
            "git@example.org:team/app.git",
            "git@example.org:/team/app.git",
            "example.org:team/app",
            "https://example.org/team/app.git#main",
        ] {
            assert_eq!(of_repository(text).as_deref(), Some(CLEAN), "{text}");
        }
        for (text, clean) in [
            (
                "https://example.org:8443/a.git",
                "https://example.org:8443/a",
            ),
            ("http://localhost:3000/a/b", "http://localhost:3000/a/b"),
            ("https://[::1]:8443/a", "https://[::1]:8443/a"),
            ("https://git.sr.ht/~user/app", "https://git.sr.ht/~user/app"),
            (
                "https://example.org/My Team/app",
                "https://example.org/My%20Team/app",
            ),
        ] {
            assert_eq!(of_repository(text).as_deref(), Some(clean));
        }
    }

    #[test]
    fn credentials_do_not_survive_wherever_they_stand() {
        for text in [
            "https://SECRET@example.org/team/app.git",
            "https://user:SECRET@example.org/team/app",
            "https://user:p@SECRET@example.org/team/app",
            "https://user:SECRET%2F@example.org/team/app",
            "ssh://user:SECRET@example.org:22/team/app",
            "SECRET@example.org:team/app",
            "https://example.org/team/app?token=SECRET",
            "https://example.org/team/app.git?a=b&access_token=SECRET#SECRET",
            "https://example.org/team/app#SECRET",
        ] {
            assert_eq!(of_repository(text).as_deref(), Some(CLEAN), "{text}");
        }
        assert_eq!(
            of_repository("https://user:SEC/RET@example.org/team/app"),
            None
        );
        assert_eq!(
            of_build("http://user:SECRET@ci.example.org:8080/job/1/?token=SECRET&buildId=7&x=SECRET#SECRET").as_deref(),
            Some("http://ci.example.org:8080/job/1/?buildId=7")
        );
    }

    #[test]
    fn what_is_no_address_on_a_network_is_nothing() {
        for text in [
            "",
            " ",
            "/srv/git/app.git",
            "../app",
            "./a:b",
            "app",
            r"C:\app",
            "C:/app",
            "gh:team/app",
            "git@work:team/app",
            "file:///srv/app",
            "https://",
            "https:///app",
            "https://exa mple.org/a",
            "https://example.org/a\nb",
            "ext::sh -c x",
            "javascript://x/y",
            "https://example.org:port/a",
            "codecommit::eu://app",
        ] {
            assert_eq!(of_repository(text), None, "{text}");
        }
        for text in [
            "",
            "42",
            "ssh://example.org/1",
            "git@example.org:1",
            "local build",
        ] {
            assert_eq!(of_build(text), None, "{text}");
        }
    }
}
