//! The app without a process or a port: quick, where what matters is what it answers.

use actix_web::{test, web::Data};
use dockerflow_demo::{Book, Settings, app};

#[actix_web::test]
async fn the_app_answers_in_a_test_what_it_answers_in_production() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = Settings {
        database_url: format!("sqlite:{}", folder.path().join("book.db").display()),
        ..Settings::default()
    };
    let book = Book::open(settings).await.expect("a new book");
    let app = test::init_service(app(Data::new(book))).await;
    for path in ["/", "/api/entries", "/__version__", "/__heartbeat__"] {
        let request = test::TestRequest::with_uri(path).to_request();
        let answer = test::call_service(&app, request).await;
        assert_eq!(answer.status(), 200, "{path}");
    }
}
