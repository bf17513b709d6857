//! The program `quoin`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    use_small_pages();
    quoin_server::run()
}

/// Asks for memory in pages of 4 KiB. The allocator asks for huge ones, of which an idle server would hold 18 MiB more
/// than it uses.
#[cfg(target_os = "linux")]
fn use_small_pages() {
    // Where the kernel does not know the call, there is only more memory in use.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
const fn use_small_pages() {}
