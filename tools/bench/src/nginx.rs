//! nginx as a plain keep-alive proxy of the upstream, one worker per core: the measure of what
//! proxying costs on this machine.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{Result, child::Child, free_address};

/// nginx while it runs.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    pub(crate) child: Child,
    _folder: TempDir,
}

impl Nginx {
    pub(crate) async fn start(upstream: SocketAddr, cores: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = free_address()?;
        let path = folder.path().join("nginx.conf");
        fs::write(&path, configuration(folder.path(), address, upstream, cores))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder.path()).arg("-c").arg(&path);
        // Before it reads its configuration it complains of a log folder it may not write.
        command.stderr(Stdio::null());
        let mut child = Child::start("nginx", &mut command)?;
        child.listens(address).await?;
        Ok(Self { address, child, _folder: folder })
    }
}

fn configuration(folder: &Path, address: SocketAddr, upstream: SocketAddr, cores: usize) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes {cores};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream provider {{
    server {upstream};
    keepalive 256;
    keepalive_requests 1000000000;
  }}
  server {{
    listen {address};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}
