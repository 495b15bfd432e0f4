//! A service that speaks TLS, in the way of `docs/process.md` that `CASE` names: what `healthcheck.rs` starts.

use std::{env, net::TcpListener, process::ExitCode};

use actix_web::{App, HttpServer, get, rt::System};
use dockerflow::{Error, Program, Server};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

#[get("/")]
async fn index() -> &'static str {
    "the app"
}

#[dockerflow::service(checks())]
fn app() -> App {
    App::new().service(index)
}

fn main() -> ExitCode {
    let case = env::var("CASE").unwrap_or_default();
    let program = Program::new(dockerflow::version!());
    // The commands of a program with a server of its own are dockerflow's, too.
    if case == "own" && env::args().len() == 1 {
        return match System::new().block_on(own()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => error.exit_code(),
        };
    }
    program.run(async move |server| serve(server, &case).await)
}

async fn serve(server: Server, case: &str) -> Result<(), Error> {
    let http = server.http(app)?;
    let http = match case {
        "listener" => {
            http.listen_rustls_0_23(TcpListener::bind(server.address().to_string())?, tls()?)?
        }
        _ => http.bind_rustls_0_23(server.address(), tls()?)?,
    };
    server.serve(http).await
}

async fn own() -> Result<(), Error> {
    let port = |name: &str| -> Result<u16, Error> { Ok(env::var(name)?.parse()?) };
    HttpServer::new(dockerflow::share_engine(app))
        .bind_rustls_0_23(("127.0.0.1", port("TLS_PORT")?), tls()?)?
        .bind(("127.0.0.1", port("PORT")?))?
        .run()
        .await?;
    Ok(())
}

fn tls() -> Result<ServerConfig, Error> {
    let _another_may_have = rustls::crypto::ring::default_provider().install_default();
    let certificate = CertificateDer::from_pem_file("crt.pem")?;
    let key = PrivateKeyDer::from_pem_file("key.pem")?;
    let config = ServerConfig::builder().with_no_client_auth();
    Ok(config.with_single_cert(vec![certificate], key)?)
}
