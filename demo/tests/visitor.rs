//! The program as its visitors and operators meet it: a process, a port, a database of its own.

mod postgres;
mod server;

use std::{fs, net::UdpSocket, thread, time::Duration};

use dockerflow_demo::Settings;
use serde_json::{Value, json};
use server::{Server, refused};

#[test]
fn pages_are_html_and_say_so() {
    let server = Server::start();
    for path in ["/", "/?page=1", "/about"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert!(answer.text.starts_with("<!DOCTYPE html>"), "{path}");
        assert!(answer.text.trim_end().ends_with("</html>"), "{path}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let server = Server::start();
    for path in ["/", "/about", "/api/entries", "/static/style.css"] {
        let (head, get) = (server.head(path), server.get(path));
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.text, "", "{path}");
        for header in ["content-type", "content-length"] {
            assert_eq!(head.header(header), get.header(header), "{path} {header}");
        }
    }
}

#[test]
fn what_is_not_there_is_404_as_a_page_and_as_json() {
    let server = Server::start();
    for path in [
        "/nothing",
        "/static/nothing.css",
        "/static/../Cargo.toml",
        "/entries/1",
        "/entries/x",
        "/?page=2",
        "/?page=0",
        "/?page=x",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("<h1>404: Not Found</h1>"), "{path}");
    }
    for path in [
        "/api",
        "/api/nothing",
        "/api/entries/1",
        "/api/entries/x",
        "/api/entries?page=2",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            answer.json(),
            json!({ "error": "There is nothing at this address." }),
            "{path}"
        );
    }
}

#[test]
fn a_method_that_a_page_does_not_know_is_405_with_those_that_it_does() {
    let server = Server::start();
    let answer = server.send("DELETE", "/", &[], "");
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
}

#[test]
fn every_answer_forbids_scripts_frames_and_guessing() {
    let server = Server::start();
    for path in [
        "/",
        "/nothing",
        "/api/entries",
        "/api/nothing",
        "/static/harbour.svg",
    ] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; "),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
}

#[test]
fn the_files_that_a_page_names_may_be_kept_for_ever() {
    let server = Server::start();
    let page = server.get("/").text;
    let files: Vec<&str> = page
        .split('"')
        .filter(|text| text.starts_with("/static/"))
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    for path in files {
        let answer = server.get(path);
        let kind = if path.contains(".css") {
            "text/css"
        } else {
            "image/svg+xml"
        };
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), kind, "{path}");
        assert_eq!(
            answer.header("cache-control"),
            "public, max-age=31536000, immutable",
            "{path}"
        );
        let tag = answer.header("etag");
        assert!(path.ends_with(tag.trim_matches('"')), "{path} has {tag}");
    }
}

#[test]
fn a_file_that_the_browser_has_is_not_sent_again() {
    let server = Server::start();
    let first = server.get("/static/style.css");
    let tag = first.header("etag");
    assert_eq!(
        first.header("cache-control"),
        "no-cache",
        "its address says nothing of its content"
    );
    for held in [
        tag.to_owned(),
        format!("W/{tag}"),
        format!("\"other\", {tag}"),
        "*".into(),
    ] {
        let again = server.send("GET", "/static/style.css", &[("if-none-match", &held)], "");
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{held}");
        assert_eq!(again.header("etag"), tag);
    }
    let changed = server.send(
        "GET",
        "/static/style.css",
        &[("if-none-match", "\"other\"")],
        "",
    );
    assert_eq!((changed.status, changed.text), (200, first.text));
}

#[test]
fn signing_redirects_to_the_entry_and_the_book_shows_it_first() {
    let server = Server::start();
    server.sign("name=Ada&home=Porto&message=First");
    let answer = server.sign("name=Bo&home=&message=Two%0D%0Alines+%26+a+caf%C3%A9");
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), "/entries/2");
    let entry = server.get("/entries/2");
    assert!(
        entry.text.contains("<p>Two\nlines &#38; a café</p>"),
        "{}",
        entry.text
    );
    let book = server.get("/").text;
    let place = |text: &str| {
        book.find(text)
            .unwrap_or_else(|| panic!("no {text:?} in {book}"))
    };
    assert!(place("Two\nlines") < place("First"));
    assert!(book.contains("2 lines"), "{book}");
}

#[test]
fn a_draft_with_problems_comes_back_with_each_of_them_and_is_not_written() {
    let server = Server::start();
    let long = "x".repeat(61);
    let answer = server.sign(&format!("name=+&home={long}&message=Kept+%3Ctext%3E"));
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("role=\"alert\""));
    assert!(
        answer
            .text
            .contains("id=\"name-problem\">Please tell us your name.")
    );
    assert!(
        answer
            .text
            .contains("id=\"home-problem\">This has 61 characters; there is room for 60.")
    );
    assert!(answer.text.contains("aria-describedby=\"home-problem\""));
    assert!(
        answer.text.contains(&format!("value=\"{long}\"")),
        "what was typed is kept"
    );
    assert!(
        answer.text.contains(">Kept &#60;text&#62;</textarea>"),
        "what was typed is kept"
    );
    assert_eq!(server.total(), 0);
}

#[test]
fn lengths_count_characters_and_line_breaks_count_once() {
    let server = Server::start();
    let name = "é".repeat(60);
    let message = format!("{}\r\n{}", "ß".repeat(250), "ß".repeat(249));
    let answer = server.post_json(&json!({ "name": name, "message": message }));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let answer = server.post_json(&json!({ "name": name, "message": format!("{message}!") }));
    assert_eq!(
        answer.json()["problems"]["message"],
        "This has 501 characters; there is room for 500."
    );
}

#[test]
fn a_message_of_many_lines_is_refused_so_that_no_entry_is_endless() {
    let server = Server::start();
    let lines = |count: usize| vec!["x"; count].join("\n");
    let answer = server.post_json(&json!({ "name": "Ada", "message": lines(20) }));
    assert_eq!(answer.status, 201, "{}", answer.text);
    for message in [lines(21), format!("a{}b", "\n".repeat(20))] {
        let answer = server.post_json(&json!({ "name": "Ada", "message": message }));
        assert_eq!(
            answer.json()["problems"]["message"],
            "This has 21 lines; there is room for 20."
        );
    }
    let answer = server.post_json(&json!({ "name": "A\nda", "message": "x" }));
    assert_eq!(
        answer.json()["problems"]["name"],
        "This has 2 lines; there is room for 1."
    );
}

#[test]
fn a_page_that_the_browser_has_is_not_sent_again_until_it_changes() {
    let server = Server::start();
    server.sign("name=Ada&message=First");
    for path in ["/", "/entries/1", "/about"] {
        let first = server.get(path);
        let tag = first.header("etag");
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        let again = server.send("GET", path, &[("if-none-match", tag)], "");
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("etag"), tag, "{path}");
        assert_eq!(server.head(path).header("etag"), tag, "{path}");
    }
    let held = server.get("/").header("etag").to_owned();
    server.sign("name=Bo&message=Second");
    let changed = server.send("GET", "/", &[("if-none-match", &held)], "");
    assert_eq!(changed.status, 200);
    assert!(changed.text.contains("Second"), "{}", changed.text);
    assert_ne!(changed.header("etag"), held);
    for path in ["/nothing", "/?page=9"] {
        assert_eq!(server.get(path).header("etag"), "", "{path}");
    }
}

#[test]
fn the_address_in_the_commands_is_the_one_that_the_visitor_has_used() {
    let server = Server::start();
    let host = |host: &str| {
        let forwarded = [("x-forwarded-host", host), ("x-forwarded-proto", "https")];
        server.send("GET", "/about", &forwarded, "").text
    };
    let page = host("book.example.org");
    assert!(
        page.contains("curl https://book.example.org/api/entries?page=1"),
        "{page}"
    );
    assert!(!page.contains("localhost"), "{page}");
    let page = host("x;reboot");
    assert!(!page.contains("reboot"), "{page}");
}

#[test]
fn each_entry_has_a_link_with_a_name_of_its_own_and_the_foot_leads_to_the_health_page() {
    let server = Server::start();
    server.sign("name=Ada&message=First");
    server.sign("name=Bo&message=Second");
    let page = server.get("/").text;
    for (id, name) in [(1, "Ada"), (2, "Bo")] {
        let link = format!("<a href=\"/entries/{id}\" aria-label=\"Line {id} by {name}, 20");
        assert!(page.contains(&link), "{link} in {page}");
    }
    for path in ["/", "/about", "/nothing"] {
        let page = server.get(path).text;
        assert!(
            page.contains("<a href=\"/__heartbeat__\">Health</a>"),
            "{path}: {page}"
        );
    }
}

#[test]
fn after_a_refusal_the_first_field_that_is_wrong_has_the_focus() {
    let server = Server::start();
    for (form, field) in [
        ("name=&home=&message=", "name"),
        ("name=Ada&home=&message=", "message"),
    ] {
        let page = server.sign(form).text;
        assert_eq!(page.matches(" autofocus").count(), 1, "{page}");
        let focused = page.split('<').find(|tag| tag.contains(" autofocus"));
        let named = format!("id=\"{field}\"");
        assert!(focused.is_some_and(|tag| tag.contains(&named)), "{page}");
    }
    assert!(!server.get("/").text.contains("autofocus"));
}

#[test]
fn a_body_that_is_no_form_is_refused_by_kind_and_by_size() {
    let server = Server::start();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let large = format!("name=Ada&message={}", "x".repeat(10_000));
    assert_eq!(server.send("POST", "/", &[form], &large).status, 413);
    assert_eq!(
        server
            .send("POST", "/", &[("content-type", "text/plain")], "name=Ada")
            .status,
        415
    );
    let large = json!({ "name": "Ada", "message": "x".repeat(10_000) });
    let answer = server.post_json(&large);
    assert_eq!(answer.status, 413);
    assert!(answer.json()["error"].is_string());
    assert_eq!(server.total(), 0);
}

#[test]
fn what_a_visitor_writes_is_shown_and_never_run() {
    let server = Server::start();
    let attack = "\"><script>alert('x')</script>&amp;";
    for field in ["name", "home", "message"] {
        let mut draft = json!({ "name": "n", "home": "h", "message": "m" });
        draft[field] = attack.into();
        let id = server.post_json(&draft).json()["id"].clone();
        for path in ["/".into(), format!("/entries/{id}")] {
            let page = server.get(&path).text;
            assert!(!page.contains("<script"), "{field} on {path}");
            assert!(page.contains("&#60;script&#62;"), "{field} on {path}");
        }
    }
    let again = server
        .sign("name=&message=%22%3E%3C/textarea%3E%3Cscript%3E")
        .text;
    assert!(!again.contains("<script"), "a draft that comes back");
}

#[test]
fn the_api_writes_what_it_is_sent_and_reads_it_back() {
    let server = Server::start();
    let answer =
        server.post_json(&json!({ "name": " Ada ", "home": "Porto", "message": "Fair winds!" }));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), "/api/entries/1");
    let entry = answer.json();
    assert_eq!(entry["name"], "Ada");
    assert_eq!(entry["home"], "Porto");
    assert_eq!(entry["message"], "Fair winds!");
    let signed = entry["signed_at"].as_str().expect("a text");
    assert!(signed.len() == 20 && signed.ends_with('Z'), "{signed}");
    assert_eq!(server.get("/api/entries/1").json(), entry);
    assert_eq!(
        server.get("/api/entries").json(),
        json!({ "entries": [entry], "number": 1, "last": 1, "total": 1 })
    );
}

#[test]
fn the_api_says_what_is_wrong_with_what_it_is_sent() {
    let server = Server::start();
    let answer = server.post_json(&json!({ "home": "\u{7}" }));
    assert_eq!(answer.status, 422);
    let problems = answer.json()["problems"].clone();
    assert_eq!(problems["name"], "Please tell us your name.");
    assert_eq!(problems["message"], "Please leave a line.");
    assert!(
        problems["home"]
            .as_str()
            .is_some_and(|text| text.contains("control characters"))
    );
    for body in ["", "{", "\"Ada\"", "{\"name\": 5}"] {
        let answer = server.send(
            "POST",
            "/api/entries",
            &[("content-type", "application/json")],
            body,
        );
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.json()["error"].is_string(), "{body}");
    }
    let answer = server.get("/api/entries?page=x");
    assert_eq!(answer.status, 400);
}

#[test]
fn a_long_book_has_pages_and_each_entry_stands_on_one() {
    let server = Server::start();
    for number in 1..=23 {
        assert_eq!(
            server
                .sign(&format!("name=N&message=line-{number}."))
                .status,
            303
        );
    }
    let pages: Vec<Value> = (1..=3)
        .map(|page| server.get(&format!("/api/entries?page={page}")).json())
        .collect();
    let ids: Vec<i64> = pages
        .iter()
        .flat_map(|page| page["entries"].as_array().expect("a list"))
        .filter_map(|entry| entry["id"].as_i64())
        .collect();
    assert_eq!(ids, (1..=23).rev().collect::<Vec<_>>());
    let (first, middle, last) = (
        server.get("/").text,
        server.get("/?page=2").text,
        server.get("/?page=3").text,
    );
    assert!(first.contains("href=\"/?page=2\"") && !first.contains("rel=\"prev\""));
    assert!(middle.contains("href=\"/?page=1\"") && middle.contains("href=\"/?page=3\""));
    assert!(last.contains("line-1.") && !last.contains("rel=\"next\""));
    assert_eq!(server.get("/?page=4").status, 404);
}

#[test]
fn many_visitors_who_sign_at_once_at_two_processes_are_all_written() {
    let old = Server::start();
    let new = old.join();
    thread::scope(|scope| {
        for visitor in 0..8 {
            let server = if visitor % 2 == 0 { &old } else { &new };
            scope.spawn(move || {
                for line in 0..25 {
                    let draft = json!({ "name": visitor.to_string(), "message": line.to_string() });
                    let answer = server.post_json(&draft);
                    assert_eq!(answer.status, 201, "{}", answer.text);
                }
            });
        }
    });
    assert_eq!((old.total(), new.total()), (200, 200));
}

#[test]
fn a_restart_keeps_what_was_written() {
    let mut server = Server::start();
    server.sign("name=Ada&message=Still+here");
    server.restart();
    assert!(server.get("/").text.contains("Still here"));
    server.sign("name=Bo&message=And+I");
    assert_eq!(server.total(), 2);
}

#[test]
fn a_process_that_is_told_to_end_leaves_its_database_as_one_file() {
    let mut server = Server::start_with(&[("DOCKERFLOW_DRAIN_DELAY", "0s")]);
    server.sign("name=Ada&message=Last+orders");
    let (code, files) = server.terminate();
    assert_eq!(code, Some(0));
    assert_eq!(files, ["harbour.db", "log"]);
}

#[test]
fn its_three_checks_pass_and_a_book_that_fills_up_degrades_before_it_refuses() {
    let server = Server::start_with(&[("CAPACITY", "10")]);
    let heartbeat = server.get("/__heartbeat__");
    assert_eq!(heartbeat.status, 200);
    assert_eq!(
        heartbeat.json()["checks"],
        json!({ "database": "ok", "disk_space": "ok", "lines_left": "ok" })
    );
    for _ in 0..9 {
        assert_eq!(server.sign("name=Ada&message=Hello").status, 303);
    }
    server.until("a warning", |server| {
        let heartbeat = server.get("/__heartbeat__");
        assert_eq!(heartbeat.status, 200, "degraded is not down");
        heartbeat.json()["checks"]["lines_left"] == "warning"
    });
    assert_eq!(server.sign("name=Ada&message=The+last").status, 303);
    let refusal = server.sign("name=Ada&message=One+more");
    assert_eq!(refusal.status, 507);
    assert!(
        refusal.text.contains("The book is full"),
        "{}",
        refusal.text
    );
    assert_eq!(
        server
            .post_json(&json!({ "name": "Ada", "message": "And one" }))
            .status,
        507
    );
    assert_eq!(server.total(), 10);
}

#[test]
fn each_signature_is_counted_and_a_refused_one_is_not() {
    let statsd = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    statsd
        .set_read_timeout(Some(Duration::from_mins(1)))
        .expect("a time above zero");
    let port = statsd.local_addr().expect("it is bound").port().to_string();
    let server = Server::start_with(&[("STATSD_HOST", "127.0.0.1"), ("STATSD_PORT", &port)]);
    server.sign("name=&message=Refused");
    server.sign("name=Ada&message=Hello");
    server.post_json(&json!({ "name": "Bo", "message": "Hello" }));
    let mut counted = Vec::new();
    while counted.len() < 2 {
        let mut datagram = [0; 1500];
        let length = statsd.recv(&mut datagram).expect("counters come");
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        counted.extend(
            text.lines()
                .filter(|line| line.contains("signed"))
                .map(str::to_owned),
        );
    }
    assert_eq!(
        counted,
        [
            "dockerflow-demo.signed:1|c|#by:page",
            "dockerflow-demo.signed:1|c|#by:api"
        ]
    );
}

#[test]
fn too_little_disk_space_warns_and_the_service_stays_up() {
    let server = Server::start_with(&[("FREE_MEGABYTES", "1000000000000")]);
    let heartbeat = server.get("/__heartbeat__");
    assert_eq!(heartbeat.status, 200);
    assert_eq!(heartbeat.json()["status"], "warning");
    assert_eq!(heartbeat.json()["checks"]["disk_space"], "warning");
}

#[test]
fn a_database_that_breaks_fails_the_heartbeat_and_tells_the_log_why_and_no_visitor() {
    let server = Server::start();
    server.break_database();
    server.until("a failing heartbeat", |server| {
        server.get("/__heartbeat__").status == 503
    });
    assert_eq!(
        server.get("/__lbheartbeat__").status,
        200,
        "a load balancer keeps it"
    );
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/api/entries", "application/json"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 500, "{path}");
        assert_eq!(answer.header("content-type"), kind);
        assert!(
            answer.text.contains("Something went wrong on our side."),
            "{path}"
        );
        for secret in ["sqlite", "database", "malformed", "entries "] {
            assert!(!answer.text.contains(secret), "{path} tells of {secret:?}");
        }
        let rid = answer.header("x-request-id");
        server.until("the reason in the log", |server| {
            server.log().iter().any(|line| {
                let fields = &line["Fields"];
                let reason = fields["msg"].as_str().unwrap_or_default();
                line["Severity"] == 3 && fields["rid"] == rid && reason.starts_with("database: ")
            })
        });
    }
}

#[test]
fn a_bad_port_is_named_with_what_it_held() {
    let (code, text) = refused(&[("PORT", "eighty")]);
    assert_eq!(code, 2);
    assert!(text.contains("PORT is \"eighty\", expected"), "{text}");
}

#[test]
fn a_bad_setting_is_named_with_what_it_held() {
    for (name, held) in [
        ("CAPACITY", "many"),
        ("PAGE_SIZE", "0"),
        ("FREE_MEGABYTES", "-1"),
    ] {
        let (code, text) = refused(&[(name, held)]);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(name) && text.contains(held), "{text}");
    }
}

#[test]
fn the_example_of_a_settings_file_says_what_the_defaults_are() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/settings.toml");
    let text = fs::read_to_string(example).expect("the example");
    let defaults = Settings::default();
    for line in [
        format!("database_url = {:?}", defaults.database_url),
        format!("capacity = {}_000", defaults.capacity / 1000),
        format!("page_size = {}", defaults.page_size),
        format!("free_megabytes = {}", defaults.free_megabytes),
    ] {
        assert!(text.contains(&line), "{line}");
    }
    let server = Server::start_with(&[("CONFIG_PATH", example)]);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn settings_come_from_a_file_and_a_variable_has_the_last_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    fs::write(&file, "capacity = 1\npage_size = 2\n").expect("a file");
    let file = file.display().to_string();
    let server = Server::start_with(&[("CONFIG_PATH", &file), ("CAPACITY", "3")]);
    for expected in [303, 303, 303, 507] {
        assert_eq!(server.sign("name=Ada&message=Hello").status, expected);
    }
    assert_eq!(server.get("/api/entries").json()["last"], 2);
}

#[test]
fn a_database_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("no/such/folder/book.db");
    let letter = folder.path().join("letter.txt");
    fs::write(
        &letter,
        "Dear Sir or Madam, this is no database at all. ".repeat(100),
    )
    .expect("a file");
    let cases = [
        (missing, "unable to open database file"),
        (letter, "file is not a database"),
    ];
    for (file, reason) in cases {
        let file = file.display().to_string();
        let (code, text) = refused(&[("PORT", "0"), ("DATABASE_URL", &format!("sqlite:{file}"))]);
        assert_eq!(code, 1);
        assert!(text.contains(&file) && text.contains(reason), "{text}");
    }
}

#[test]
fn the_url_of_another_database_is_refused_without_showing_its_password() {
    let (code, text) = refused(&[("DATABASE_URL", "mysql://ada:tell-nobody@localhost/book")]);
    assert_eq!(code, 1);
    assert!(
        text.contains("DATABASE_URL: expected sqlite:<file>"),
        "{text}"
    );
    assert!(!text.contains("tell-nobody"), "{text}");
}
