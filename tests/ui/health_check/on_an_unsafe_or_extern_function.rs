#[dockerflow::health_check]
async unsafe fn database() {}

#[dockerflow::health_check]
extern "C" fn cache() {}

#[dockerflow::health_check]
const fn disk() {}

fn main() {
    drop(unsafe { database() });
    cache();
    disk();
}
