//! What stands for the provider: a process that gives one fixed answer as fast as it can.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    rc::Rc,
};

use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    task::spawn_local,
};

use crate::{Result, child::Child, http, workload::Workload};

/// The upstream while it runs.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
}

impl Upstream {
    /// Starts it in a process of its own, so that its CPU time is told from the load's.
    pub(crate) async fn start(address: SocketAddr) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["upstream", &address.port().to_string()]);
        // It says that it was stopped, each time.
        command.stderr(Stdio::null());
        let mut child = Child::start("the upstream", &mut command)?;
        child.listens(address).await?;
        Ok(Self { address, child })
    }
}

/// Answers until the process is ended.
pub(crate) async fn serve(port: u16, workload: &Workload) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let body = workload.answer.to_string();
    let answer: Rc<[u8]> = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
    .into();
    loop {
        let (stream, _) = listener.accept().await?;
        let answer = Rc::clone(&answer);
        // A connection that breaks off concerns nobody else.
        spawn_local(async move { answer_all(stream, &answer).await.ok() });
    }
}

async fn answer_all(mut stream: TcpStream, answer: &[u8]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    while http::read(&mut stream, &mut buffer).await?.is_some() {
        stream.write_all(answer).await?;
    }
    Ok(())
}
