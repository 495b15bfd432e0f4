//! A dictionary.

use std::{collections::HashMap, fs, io, path::PathBuf, process::ExitCode};

use actix_web::{
    App, HttpResponse, get,
    web::{Data, Path},
};
use dockerflow::{Error, Metrics, Program, Server, health_check, metrics::cadence::prelude::*};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    words: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            words: "words.json".into(),
        }
    }
}

#[health_check]
fn words(settings: Data<Settings>) -> io::Result<()> {
    fs::metadata(&settings.words).map(drop)
}

#[get("/words/{word}")]
async fn translate(
    word: Path<String>,
    settings: Data<Settings>,
    metrics: Metrics,
) -> actix_web::Result<HttpResponse> {
    let words = fs::read(&settings.words)?;
    let words: HashMap<String, String> = serde_json::from_slice(&words)?;
    let Some(translated) = words.get(&*word) else {
        return Ok(HttpResponse::NotFound().finish());
    };
    let _ = metrics.incr("translated");
    tracing::info!(length = translated.len(), "translated");
    Ok(HttpResponse::Ok().body(translated.clone()))
}

#[dockerflow::service]
fn app(settings: Data<Settings>) -> App {
    App::new().app_data(settings).service(translate)
}

async fn serve(server: Server) -> Result<(), Error> {
    let settings: Data<Settings> = Data::new(server.settings()?);
    server.run(move || app(settings.clone())).await
}

fn main() -> ExitCode {
    Program::new(dockerflow::version!())
        .name("dictionary")
        .run(serve)
}
