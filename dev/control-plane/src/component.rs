//! The programs, and where each comes from.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::module::Module;

/// A program that is built from a published Go module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Component {
    /// The apiserver.
    KubeApiserver,
    /// The controllers of Kubernetes itself.
    KubeControllerManager,
    /// The command line client.
    Kubectl,
    /// The store behind the apiserver.
    Etcd,
    /// What gives a Pod its node.
    KubeScheduler,
    /// What runs the Pods of a node.
    Kubelet,
    /// What runs containers for the kubelet.
    Containerd,
    /// The process beside each Pod's containers.
    #[strum(serialize = "containerd-shim-runc-v2")]
    ContainerdShim,
    /// containerd's command line client.
    Ctr,
    /// The package manager.
    Helm,
    /// Flux's controller of Kustomizations.
    KustomizeController,
    /// What Flux makes of an object's conditions.
    Kstatus,
    /// The Lua in which Argo CD runs its health checks.
    Glua,
    /// What downloads a control plane.
    SetupEnvtest,
}

impl Component {
    /// What every control plane consists of, in the order in which it is built.
    pub const CONTROL_PLANE: [Self; 3] = [Self::KubeApiserver, Self::Kubectl, Self::Etcd];

    /// The name of its file.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    pub(crate) const fn module(self) -> Module {
        match self {
            Self::KubeApiserver
            | Self::KubeControllerManager
            | Self::Kubectl
            | Self::Etcd
            | Self::KubeScheduler
            | Self::Kubelet => Module::Kubernetes,
            Self::Containerd | Self::ContainerdShim | Self::Ctr => Module::Containerd,
            Self::Helm => Module::Helm,
            Self::KustomizeController | Self::Kstatus => Module::Flux,
            Self::Glua => Module::Lua,
            Self::SetupEnvtest => Module::Envtest,
        }
    }

    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeScheduler => "k8s.io/kubernetes/cmd/kube-scheduler",
            Self::Kubelet => "k8s.io/kubernetes/cmd/kubelet",
            Self::Containerd => "github.com/containerd/containerd/v2/cmd/containerd",
            Self::ContainerdShim => "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            Self::Ctr => "github.com/containerd/containerd/v2/cmd/ctr",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::KustomizeController => "github.com/fluxcd/kustomize-controller",
            Self::Kstatus => "./cmd/kstatus",
            Self::Glua => "github.com/yuin/gopher-lua/cmd/glua",
            Self::SetupEnvtest => "sigs.k8s.io/controller-runtime/tools/setup-envtest",
        }
    }
}
