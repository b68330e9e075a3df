//! The client of the API server: it re-sends no write, bounds every call in time, asks again where a kept connection had
//! died, and goes through a proxy where the environment or the kubeconfig names one.

mod call;
pub(crate) mod definitions;
mod lines;
mod pages;
pub(crate) mod secret;

use std::{error::Error, sync::Arc, time::Duration};

use http::{HeaderValue, Uri, header::USER_AGENT};
use hyper::rt::{Read, Write};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connection, HttpConnector, proxy::Tunnel};
use kube::{
    Client, Config,
    client::{ClientBuilder, ConfigExt},
    config::{InferConfigError, KubeConfigOptions, Kubeconfig},
};
use rustls::pki_types::ServerName;
use tower::{BoxError, Service, ServiceBuilder, service_fn};

use crate::{
    clock::Peers,
    proxy::{Proxies, Proxy, ProxyError},
    vobiz,
};
use call::Calls;
use lines::Lines;

/// How long a connection may take to be made, TLS and the proxy's part not counted.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("cannot find the cluster: {}; set KUBECONFIG, as for kubectl", unfound(.0))]
    NotFound(#[from] InferConfigError),
    #[error("cannot build a client for the cluster: {0}")]
    Client(#[from] kube::Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// In a pod, what both lack, its service account and a kubeconfig; elsewhere, what the kubeconfig lacks. A parser's drawing is
/// left out.
fn unfound(error: &InferConfigError) -> String {
    let kubeconfig = error.source().filter(|_| std::env::var_os("KUBERNETES_SERVICE_HOST").is_none());
    let told = kubeconfig.map_or_else(|| error.to_string(), ToString::to_string);
    told.lines().next().unwrap_or_default().to_owned()
}

/// The client, and the namespace that kubectl would use. It holds the clock against its answers', in `peers`.
///
/// # Errors
/// If there is no cluster to be found, or no way to it that can be used.
pub async fn client(peers: Arc<Peers>) -> Result<(Client, String), ClusterError> {
    let proxies = Proxies::from_env()?;
    let (mut config, place) = find().await?;
    config.proxy_url = None;
    config.headers.push((USER_AGENT, HeaderValue::from_static(vobiz::USER_AGENT)));
    let namespace = config.default_namespace.clone();
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_connect_timeout(Some(CONNECT_WITHIN));
    direct.set_nodelay(true);
    let client = match proxy(&config.cluster_url, place, &proxies)? {
        None => build(&config, direct, peers)?,
        Some(proxy) if proxy.uri().scheme_str() == Some("https") => {
            let direct = config.rustls_https_connector_with_connector(direct)?;
            build(&config, through(&proxy, direct), peers)?
        }
        Some(proxy) => build(&config, through(&proxy, direct), peers)?,
    };
    Ok((client, namespace))
}

/// Where the API server is.
enum Place {
    /// In the cluster in which this process runs.
    Here,
    /// Where a kubeconfig says; and the proxy that it names.
    Kubeconfig(Option<String>),
}

/// A proxy that is named nowhere else.
const NONE: &str = "http://proxy.invalid";

/// Finds the cluster as kubectl does. The proxies are looked for here and not by kube: it reads fewer variables than the
/// clients of Vobiz do, takes blanks around an address for a part of it, and would say of a proxy that cannot be used that the
/// cluster cannot be found.
async fn find() -> Result<(Config, Place), InferConfigError> {
    if let Ok(mut kubeconfig) = Kubeconfig::read() {
        let named = take_proxy(&mut kubeconfig);
        let options = KubeConfigOptions::default();
        if let Ok(mut config) = Config::from_custom_kubeconfig(kubeconfig, &options).await {
            config.apply_debug_overrides();
            return Ok((config, Place::Kubeconfig(named)));
        }
    }
    // There is none, or it is of no use. The errors of both ways are told together.
    Ok((Config::infer().await?, Place::Here))
}

/// What the kubeconfig names for the cluster in use. An address takes its place: where there is none, kube looks at the
/// environment.
fn take_proxy(kubeconfig: &mut Kubeconfig) -> Option<String> {
    let Kubeconfig { current_context, contexts, clusters, .. } = kubeconfig;
    let current = contexts.iter().find(|context| Some(&context.name) == current_context.as_ref())?;
    let name = &current.context.as_ref()?.cluster;
    let cluster = clusters.iter_mut().find(|cluster| cluster.name == *name)?.cluster.as_mut()?;
    let named = cluster.proxy_url.replace(NONE.to_owned())?.trim().to_owned();
    (!named.is_empty()).then_some(named)
}

/// The proxy before the API server. One that the kubeconfig names is used in any case. Inside of a cluster there is none:
/// the API server stands in the same cluster, and what leads out of it does not lead there.
fn proxy(url: &Uri, place: Place, proxies: &Proxies) -> Result<Option<Proxy>, ProxyError> {
    match place {
        Place::Here => Ok(None),
        Place::Kubeconfig(Some(named)) => Proxy::parse("proxy-url in the kubeconfig", &named).map(Some),
        Place::Kubeconfig(None) => {
            let host = url.host().filter(|_| url.scheme_str() == Some("https"));
            let port = url.port_u16().or(Some(443));
            Ok(host.and_then(|host| proxies.before(host, port)).cloned())
        }
    }
}

fn through<C>(proxy: &Proxy, direct: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.uri().clone(), direct);
    match proxy.authorization() {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    }
}

/// Kube's own layers around [`Calls`]. What is left out of its stack: the one that re-sends what was answered with 429,
/// 503 and 504, writes too, and the one that writes spans with the names of objects. A kubeconfig's `exec` plugin, which the
/// layer of credentials runs when there is no token or an old one, lies outside of the
/// limits that [`Calls`] sets. The calls of the store and of the election are bounded with it; the start and a watch wait for
/// it as long as it takes. A pod's service account needs none.
fn build<C>(config: &Config, connector: C, peers: Arc<Peers>) -> Result<Client, kube::Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let lines = Lines::new(both_versions(config, connector.clone())?);
    let calls = Calls::new(config.rustls_https_connector_with_connector(connector)?, lines, peers);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .service(service_fn(move |request| calls.clone().make(request)));
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

/// Kube's connector, which would speak HTTP/1.1 alone, and speaks HTTP/2 as well, if the API server does.
fn both_versions<C>(config: &Config, connector: C) -> Result<HttpsConnector<C>, kube::Error> {
    let https = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?).https_or_http();
    let named = config.tls_server_name.clone().and_then(|name| ServerName::try_from(name).ok());
    let https = match named {
        Some(name) => https.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => https,
    };
    Ok(https.enable_http1().enable_http2().wrap_connector(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(proxy_url: Option<&str>) -> Kubeconfig {
        let other = serde_json::json!({ "server": "https://b:6443", "proxy-url": "http://other:1" });
        serde_json::from_value(serde_json::json!({
            "current-context": "x",
            "contexts": [{ "name": "x", "context": { "cluster": "a", "user": "u" } }],
            "clusters": [
                { "name": "b", "cluster": other },
                { "name": "a", "cluster": { "server": "https://a:6443", "proxy-url": proxy_url } },
            ],
        }))
        .unwrap()
    }

    #[test]
    fn the_proxy_of_the_kubeconfig_is_that_of_the_cluster_in_use() {
        for (named, expected) in [
            (None, None),
            (Some(""), None),
            (Some("  "), None),
            (Some("http://h:9"), Some("http://h:9")),
            (Some(" http://h:9 "), Some("http://h:9")),
            (Some("not a url"), Some("not a url")),
        ] {
            let mut kubeconfig = kubeconfig(named);
            assert_eq!(take_proxy(&mut kubeconfig).as_deref(), expected, "{named:?}");
            // Regardless of the proxy that was named, and of the environment: kube is given an address that it can
            // read.
            let left = kubeconfig.clusters[1].cluster.as_ref().unwrap().proxy_url.as_deref();
            assert_eq!(left, Some(NONE), "{named:?}");
        }
        assert_eq!(take_proxy(&mut Kubeconfig::default()), None);
    }
}
