//! Everything that a control plane needs before it is started.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicU32;

use super::{ControlPlane, Options, url};
use crate::binaries::Binaries;
use crate::certificates::Authority;
use crate::component::Component;
use crate::error::Error;
use crate::port::Port;
use crate::process::Service;
use crate::reach::{Reach, SERVICE_PORT};
use crate::watchdog::Watchdog;
use crate::{apiserver, controller_manager, etcd, kubeconfig};

impl ControlPlane {
    /// Folder, certificates and arguments; nothing is started but the watchdog.
    pub(super) fn prepare(binaries: Binaries, options: Options, reach: Option<Reach>) -> Result<Self, Error> {
        let watchdog = guarded_folder()?;
        let port = if reach.is_some() { Port::numbered(SERVICE_PORT)? } else { Port::reserve()? };
        let (folder, group) = (watchdog.folder(), watchdog.group()?);
        let authority = Authority::create(&folder.join("certificates"))?;
        let token_keys = authority.token_keys()?;
        let admin = folder.join("admin.kubeconfig");
        let pair = authority.user("admin", "admin", Some("system:masters"))?;
        kubeconfig::write(&admin, &url(&port), &authority.certificate(), &pair)?;

        let service = |component: Component, arguments| {
            Service::new(component.name(), binaries.path(component), arguments, folder, group)
        };
        let etcd = service(Component::Etcd, etcd::arguments(folder));
        let kubelet_client = authority.user("kubelet-client", "kubelet-client", Some("system:masters"))?;
        let apiserver = apiserver::arguments(&apiserver::Setup {
            folder,
            port: port.number(),
            authority: &authority,
            server: &authority.server(&reach.into_iter().flat_map(Reach::names).collect::<Vec<_>>())?,
            token_keys: &token_keys,
            controller_manager: options.controller_manager,
            pods: reach.map(|reach| (reach, &kubelet_client)),
        })?;
        let apiserver = service(Component::KubeApiserver, apiserver);
        let controller_manager = options.controller_manager.then(|| {
            let authority = authority.certificate();
            let arguments = controller_manager::arguments(&admin, &authority, &token_keys.private);
            service(Component::KubeControllerManager, arguments)
        });
        let users = AtomicU32::new(0);
        Ok(Self {
            controller_manager,
            apiserver,
            etcd,
            watchdog,
            port,
            group,
            binaries,
            authority,
            admin,
            users,
        })
    }
}

/// A folder that only its owner may enter, and what removes it.
fn guarded_folder() -> Result<Watchdog, Error> {
    let place = std::env::temp_dir();
    let folder = tempfile::Builder::new()
        .prefix("control-plane-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place)
        .map_err(Error::file(&place))?;
    Watchdog::guard(folder)
}
