use std::{cell::RefCell, rc::Rc};

use actix_web::web;

struct Client(Rc<RefCell<u8>>);

#[dockerflow::health_check]
async fn upstream(_url: web::Data<String>, _client: web::Data<Client>) {}

#[dockerflow::health_check]
fn disk(_client: web::Data<Client>) {}

fn main() {
    let client = web::Data::new(Client(Rc::default()));
    drop(upstream(web::Data::new(String::new()), client.clone()));
    disk(client.clone());
    let _ = &client.0;
}
