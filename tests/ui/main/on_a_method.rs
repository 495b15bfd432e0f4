use dockerflow::{Error, Server};

struct Program;

impl Program {
    #[dockerflow::main]
    async fn main(self, _server: Server) -> Result<(), Error> {
        Ok(())
    }
}

fn main() {}
