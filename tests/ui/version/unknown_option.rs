fn main() {
    let _ = dockerflow::version!(commit = "HEAD");
}
