//! Dynoxide in the foreground, its data in memory, for this machine alone: `second-opinion <port>`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).ok_or("usage: second-opinion <port>")?.parse()?;
    dynoxide::server::start("127.0.0.1", port, dynoxide::Database::memory()?).await?;
    Ok(())
}
