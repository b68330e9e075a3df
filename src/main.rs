//! x
fn main() { print!("{}", vobiz_operator::api::crds_yaml().unwrap_or_default()); }
