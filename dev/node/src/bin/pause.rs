//! What keeps the namespaces of a Pod alive, alone in its image: it waits until it is killed.

fn main() {
    loop {
        std::thread::park();
    }
}
