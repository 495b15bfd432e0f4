//! Addresses that may be shown: a browser can open them, and they contain no credentials.
//!
//! `fixtures/urls.txt` lists the forms that are understood. `.dockerflow/version.sh` understands the same ones.

/// Returns the address of a repository's page, as `https://host/path`, from any way in which a remote of git or a CI system
/// names a repository.
///
/// Returns `None` if no browser can open it (a local path, an SSH alias, a `file:` URL), or if any part of it could be a
/// credential: no `@` is left in a result.
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
    let is_ssh = scheme.contains("ssh");
    match scheme.as_str() {
        "https" | "git+https" => page("https", &host, port.filter(|port| *port != 443), path),
        // Nobody answers https on a port of http.
        "http" | "git+http" => match port.filter(|port| *port != 80) {
            Some(port) => page("http", &host, Some(port), path),
            None => page("https", &host, None, path),
        },
        "ssh" | "git+ssh" | "ssh+git" | "git" if !is_ssh || is_public(&host) => {
            let bitbucket = port
                .filter(|port| *port == BITBUCKET_SERVER)
                .map(|_| "/scm");
            let path = format!("{}{path}", bitbucket.unwrap_or_default());
            page("https", &host, None, &path)
        }
        _ => None,
    }
}

/// The port on which Bitbucket Server answers SSH.
const BITBUCKET_SERVER: u16 = 7999;

/// Returns the address of a build's page. It keeps its scheme: a server of http may not answer https. Of the query and the fragment,
/// only what identifies a build stays, because the rest may hold a token.
#[must_use]
pub fn of_build(text: &str) -> Option<String> {
    // Azure Pipelines and TeamCity, Google Cloud Build, AWS CodeBuild
    const PARAMETERS: [&str; 3] = ["buildId", "project", "region"];
    const FRAGMENT: &str = "/builds/";
    let (scheme, rest) = text.trim().split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !["https", "http"].contains(&scheme.as_str()) {
        return None;
    }
    let Address { host, port, path } = Address::parse(rest)?;
    let mut url = join(&scheme, &host, port, &path);
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_plain = |text: &str, extra| {
        text.chars().all(|one| {
            one.is_ascii_alphanumeric() || "._~-".contains(one) || str::contains(extra, one)
        })
    };
    let mut mark = '?';
    for parameter in query.split('&') {
        if let Some((name, value)) = parameter.split_once('=')
            && PARAMETERS.contains(&name)
            && is_plain(value, "")
        {
            url.push(mark);
            url.push_str(parameter);
            mark = '&';
        }
    }
    if fragment.starts_with(FRAGMENT) && is_plain(fragment, ":/%") {
        url.push('#');
        url.push_str(fragment);
    }
    Some(url)
}

/// Returns git's short form `user@host:path` as `user@host/path`, which is `ssh://user@host/path` without its scheme. A host in brackets
/// may have a port.
fn scp(text: &str) -> Option<String> {
    if let Some((before, rest)) = text.split_once('[') {
        let (inside, path) = rest.split_once("]:")?;
        let is_user = before.is_empty()
            || before
                .strip_suffix('@')
                .is_some_and(|user| !user.contains(['/', ':', '@']));
        return is_user.then(|| format!("{inside}/{}", path.trim_start_matches('/')));
    }
    let (host, path) = text.split_once(':')?;
    // A path that begins with a colon belongs to a remote helper.
    let is_host = !host.contains(['/', '\\']) && !path.starts_with(':');
    is_host.then(|| format!("{host}/{}", path.trim_start_matches('/')))
}

/// Returns whether a host that SSH connects to has a name on the Internet, and is not an alias in the configuration of SSH.
fn is_public(host: &str) -> bool {
    const SITES: [&str; 4] = [
        ".github.com",
        ".gitlab.com",
        ".bitbucket.org",
        ".codeberg.org",
    ];
    const THEIRS: [&str; 4] = [
        "ssh.github.com",
        "gist.github.com",
        "altssh.gitlab.com",
        "altssh.bitbucket.org",
    ];
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    let is_top_level = last.starts_with("xn--")
        || last.len() > 1 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_number = host.parse::<std::net::Ipv4Addr>().is_ok();
    let is_alias = SITES.iter().any(|site| host.ends_with(site)) && !THEIRS.contains(&host);
    (is_top_level || is_number) && !is_alias
}

/// Returns the address of the page of the repository at `path`.
fn page(scheme: &str, host: &str, port: Option<u16>, path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (host, path) = match (host, parts.as_slice()) {
        ("ssh.github.com", _) => ("github.com", path.to_owned()),
        ("altssh.gitlab.com", _) => ("gitlab.com", path.to_owned()),
        ("altssh.bitbucket.org", _) => ("bitbucket.org", path.to_owned()),
        ("ssh.dev.azure.com" | "vs-ssh.visualstudio.com", ["v3", team, project, name]) => {
            ("dev.azure.com", format!("/{team}/{project}/_git/{name}"))
        }
        ("ssh.dev.azure.com" | "vs-ssh.visualstudio.com", _) => return None,
        (host, _) if host.starts_with("git-codecommit.") => return None,
        // Bitbucket Server
        (host, [context @ .., "scm", project, name]) => {
            let context: String = context.iter().flat_map(|part| ["/", part]).collect();
            let (kind, project) = match project.strip_prefix('~') {
                Some(user) => ("users", user),
                None => ("projects", *project),
            };
            (host, format!("{context}/{kind}/{project}/repos/{name}"))
        }
        // Gerrit asks for a password below /a/.
        (host, ["a", rest @ ..]) if !rest.is_empty() && is_gerrit(host) => {
            (host, format!("/{}", rest.join("/")))
        }
        (host, ["r", "a", rest @ ..]) if !rest.is_empty() => {
            (host, format!("/r/{}", rest.join("/")))
        }
        (host, _) => (host, path.to_owned()),
    };
    Some(join(scheme, host, port, &path))
}

fn is_gerrit(host: &str) -> bool {
    let first = host.split('.').next().unwrap_or_default();
    ["gerrit", "review"]
        .iter()
        .any(|name| first.starts_with(name) || first.ends_with(name))
        || host.ends_with(".googlesource.com")
}

fn join(scheme: &str, host: &str, port: Option<u16>, path: &str) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{host}{port}{path}")
}

/// The parts of a URL after its scheme, without user, password, query and fragment.
struct Address {
    host: String,
    port: Option<u16>,
    path: String,
}

impl Address {
    fn parse(rest: &str) -> Option<Self> {
        if rest.contains(|one: char| one.is_control() || one == '\\') {
            return None;
        }
        let (authority, path) = match rest.find('/') {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        // A password may have an `@`, `?` or `#` in it.
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(['?', '#']) && !user.contains(':') {
            return None; // the end of a query, or of a token?
        }
        let (place, path) = match place.find(['?', '#']) {
            Some(end) => (&place[..end], ""),
            None => (place, path),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, "")) => (host, None),
            Some((host, port)) if !port.ends_with(']') => {
                let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
                (host, Some(port.parse().ok().filter(|_| is_number)?))
            }
            _ => (place, None),
        };
        // An `@` that is left, also in its other form, may be the end of a password with a slash in it.
        if !is_host(host) || path.contains('@') || path.contains("%40") {
            return None;
        }
        let path = path.split(['?', '#']).next()?;
        if path.contains(|one: char| "$<>\"`{}|^'".contains(one)) {
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

/// Returns whether this is a host's name, or an address in the form that URLs have.
fn is_host(host: &str) -> bool {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    host.split('.').all(|label| {
        let is_bounded = !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        is_bounded
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_fixtures_becomes_its_address() {
        let mut count = 0;
        for line in include_str!("../fixtures/urls.txt").lines() {
            let [kind, input, result] = *line.split('\t').collect::<Vec<_>>() else {
                assert!(line.is_empty() || line.starts_with('#'), "{line}");
                continue;
            };
            let url = match kind {
                "repository" => of_repository(input),
                "build" => of_build(input),
                _ => panic!("{line}"),
            };
            assert_eq!(url.as_deref().unwrap_or("-"), result, "{line}");
            count += 1;
        }
        println!("{count} forms of addresses");
    }

    #[test]
    fn no_control_character_survives() {
        for text in [
            "https://example.org/a\nb",
            "https://example.org/a\tb",
            "https://exam\nple.org/a",
        ] {
            assert_eq!(of_repository(text), None, "{text}");
            assert_eq!(of_build(text), None, "{text}");
        }
    }

    #[test]
    fn a_clean_address_stays_as_it_is() {
        let results = include_str!("../fixtures/urls.txt")
            .lines()
            .filter_map(|line| {
                let [kind, _, result] = *line.split('\t').collect::<Vec<_>>() else {
                    return None;
                };
                (result != "-").then_some((kind, result))
            });
        for (kind, result) in results {
            let again = if kind == "build" {
                of_build(result)
            } else {
                of_repository(result)
            };
            assert_eq!(again.as_deref(), Some(result));
            assert!(!result.contains('@'), "{result}");
        }
    }
}
