//! Waiting until a control plane that was started can be used.

use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use super::ControlPlane;
use crate::error::Error;
use crate::etcd;
use crate::process::Service;

/// Ample: a machine that runs many of these at once is slow, not broken.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(100);

impl ControlPlane {
    /// Waits until those of etcd and the apiserver that are started do their work.
    pub(super) async fn until_ready(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        if self.etcd.is_started() {
            let socket = etcd::socket(self.folder());
            while UnixStream::connect(&socket).await.is_err() {
                self.pause(start, |plane| &plane.etcd).await?;
            }
        }
        while self.apiserver.is_started() && self.run_kubectl(["get", "--raw", "/readyz"]).await.is_err() {
            self.pause(start, |plane| &plane.apiserver).await?;
        }
        Ok(())
    }

    /// A ready apiserver still has to make the namespace `default`; and the service account in
    /// it is the sign that the controllers work.
    pub(super) async fn until_settled(&mut self) -> Result<(), Error> {
        let start = Instant::now();
        while self.run_kubectl(["get", "namespace", "default"]).await.is_err() {
            self.pause(start, |plane| &plane.apiserver).await?;
        }
        while self.controller_manager.is_some()
            && self.run_kubectl(["get", "serviceaccount", "default"]).await.is_err()
        {
            self.pause(start, |plane| plane.controller_manager.as_ref().unwrap_or(&plane.apiserver)).await?;
        }
        Ok(())
    }

    /// Waits a moment for `service`, unless it is too late or a part has ended.
    async fn pause(&mut self, start: Instant, service: fn(&Self) -> &Service) -> Result<(), Error> {
        self.etcd.check()?;
        self.apiserver.check()?;
        self.controller_manager.as_mut().map_or(Ok(()), Service::check)?;
        if start.elapsed() > PATIENCE {
            return Err(service(self).not_ready(PATIENCE));
        }
        tokio::time::sleep(POLL).await;
        Ok(())
    }
}
