use dockerflow::Server;

#[dockerflow::main]
async fn main(_server: Server) -> u8 {
    0
}
