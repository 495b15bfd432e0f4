use dockerflow::Server;

#[dockerflow::main]
async fn main(server: Server) {
    let _ = server;
}
