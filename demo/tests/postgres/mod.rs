//! The book on a database server, with two instances: a real `PostgreSQL`, which the test starts, stops and starts again.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::json;

use tempfile::TempDir;

use crate::server::{Server, refused};

#[test]
fn two_instances_share_the_book_and_survive_their_server() {
    let Some(cluster) = Cluster::create() else {
        return;
    };
    let url = cluster.url();
    let one = Server::start_with(&[("DATABASE_URL", &url), ("CAPACITY", "3")]);
    let other = Server::start_with(&[("DATABASE_URL", &url), ("CAPACITY", "3")]);

    let signed = one.post_json(&json!({"name": "Ada", "home": "Porto", "message": "Fair winds!"}));
    assert_eq!(signed.status, 201, "{}", signed.text);
    let entry = signed.json();
    assert_eq!(entry["id"], 1);
    let read = other.get("/api/entries/1");
    assert_eq!(read.json(), entry, "the other instance reads it");
    let day = entry["signed_at"].as_str().expect("a time");
    assert!(day.len() == 20 && day.ends_with('Z'), "RFC 3339: {day}");
    assert_eq!(other.sign("name=Bea&message=Ahoy").status, 303);
    assert!(one.get("/").text.contains("Ahoy"));
    assert_eq!(one.get("/api/entries?page=2").status, 404);
    assert_eq!(one.sign("name=Cem&message=Ahoy").status, 303);
    assert_eq!(other.sign("name=Dov&message=Ahoy").status, 507, "full");
    assert_eq!(one.total(), 3);

    let heartbeat =
        |server: &Server| server.get("/__heartbeat__").json()["checks"]["database"].clone();
    assert_eq!(heartbeat(&one), "ok");
    cluster.stop();
    one.until("a heartbeat that fails", |server| {
        server.get("/__heartbeat__").status == 503
    });
    assert_eq!(one.get("/__lbheartbeat__").status, 200);
    assert_eq!(one.get("/api/entries").status, 500);
    cluster.start();
    one.until("a heartbeat that is well again", |server| {
        heartbeat(server) == "ok"
    });
    assert_eq!(one.total(), 3);
}

#[test]
fn a_server_that_refuses_is_named_without_its_password() {
    let closed = free_port();
    let url = format!("postgres://ada:tell-nobody@127.0.0.1:{closed}/book");
    let (code, text) = refused(&[("PORT", "0"), ("DATABASE_URL", &url)]);
    assert_eq!(code, 1, "{text}");
    let named = format!("the database \"book\" on 127.0.0.1:{closed} cannot be opened");
    assert!(text.contains(&named), "{text}");
    assert!(!text.contains("tell-nobody"), "{text}");
}

/// A `PostgreSQL` in a folder of its own.
struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Cluster {
    /// Creates and starts one; `None`, with a message, if it is not installed, which under CI is a failure.
    fn create() -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(
                std::env::var_os("CI").is_none(),
                "PostgreSQL is not installed"
            );
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let password = folder.path().join("password");
        fs::write(&password, "tiger").expect("a free disk");
        if let Some(user) = unprivileged() {
            for path in [folder.path(), &password] {
                chown(path, Some(user), Some(user)).expect("root may");
            }
        }
        let cluster = Self {
            folder,
            binaries,
            port: free_port(),
        };
        let output = cluster
            .command("initdb")
            .args([
                "--username",
                "scott",
                "--auth",
                "scram-sha-256",
                "--no-sync",
                "--pwfile",
            ])
            .arg(password)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        cluster.start();
        Some(cluster)
    }

    fn url(&self) -> String {
        format!("postgres://scott:tiger@127.0.0.1:{}/postgres", self.port)
    }

    fn start(&self) {
        let mut command = self.command("pg_ctl");
        command.args(["--wait", "--silent", "--log"]);
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off",
            self.port
        );
        command
            .arg(self.folder.path().join("data/log"))
            .args(["--options", &options, "start"]);
        let status = command.stdout(Stdio::null()).status().expect("it runs");
        assert!(status.success(), "{status}");
    }

    fn stop(&self) {
        let mut command = self.command("pg_ctl");
        command.args(["--silent", "--mode", "immediate", "stop"]);
        command.status().expect("it runs");
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.join(name));
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .current_dir("/");
        if let Some(user) = unprivileged() {
            command.uid(user).gid(user);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The folder of the newest `PostgreSQL` that Debian has installed.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<_> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    folders.sort();
    folders.pop()
}

/// `PostgreSQL` refuses to run as root; `nobody` may.
fn unprivileged() -> Option<u32> {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    root.then_some(65_534)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
