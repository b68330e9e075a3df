//! What the operator counts itself. Another program has other metrics, or none.

use serde_json::Value;
use testbed::operator::Operator;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How often claims and records were reconciled so far.
pub async fn reconciles(operator: &Operator) -> Option<u64> {
    let log = std::fs::read_to_string(operator.log()).ok()?;
    let line = log.lines().rfind(|line| line.contains("serving /healthz"))?;
    let entry: Value = serde_json::from_str(line).ok()?;
    let mut stream = TcpStream::connect(entry["address"].as_str()?).await.ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: measure\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let samples = answer.lines().filter(|line| line.starts_with("vobiz_operator_reconciles_total"));
    samples.map(|sample| sample.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}
