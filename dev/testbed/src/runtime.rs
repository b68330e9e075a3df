//! The runtime that the tests of one program share.

use std::sync::{LazyLock, mpsc};

use tokio::runtime::Handle;

/// A thread drives everything that is shared; each test runs on its own thread, so that its failure and its output
/// are its own.
static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        sender.send(runtime.handle().clone()).unwrap();
        runtime.block_on(std::future::pending::<()>());
    });
    receiver.recv().unwrap()
});

/// Runs a test to its end, on the thread that calls.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(test)
}
