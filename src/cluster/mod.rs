//! The client of the API server: it re-sends no write, bounds every call in time, asks again where a kept connection had
//! died, and goes through a proxy where the environment or the kubeconfig names one.

mod call;

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Uri, header::USER_AGENT};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::{Connection, HttpConnector, proxy::Tunnel};
use kube::{
    Client, Config,
    client::{ClientBuilder, ConfigExt},
    config::{InferConfigError, Kubeconfig},
};
use tower::{BoxError, Service, ServiceBuilder, service_fn};

use crate::{
    clock::Peers,
    proxy::{Proxies, Proxy, ProxyError},
    vobiz,
};
use call::Calls;

/// How long a connection may take to be made, TLS and the proxy's part not counted.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Why there is no client for the API server.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error("cannot find the cluster: {0}. Set KUBECONFIG, as for kubectl")]
    NotFound(#[from] InferConfigError),
    #[error("cannot build a client for the cluster: {0}")]
    Client(#[from] kube::Error),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
}

/// The client, and the namespace that kubectl would use. It holds the clock against its answers', in `peers`.
///
/// # Errors
/// If there is no cluster to be found, or no way to it that can be used.
pub async fn client(peers: Arc<Peers>) -> Result<(Client, String), ClusterError> {
    let proxies = Proxies::from_env()?;
    let mut config = Config::infer().await?;
    config.headers.push((USER_AGENT, HeaderValue::from_static(vobiz::USER_AGENT)));
    let namespace = config.default_namespace.clone();
    let mut direct = HttpConnector::new();
    direct.enforce_http(false);
    direct.set_connect_timeout(Some(CONNECT_WITHIN));
    direct.set_nodelay(true);
    let client = match proxy(&config, &proxies)? {
        None => build(&config, direct, peers)?,
        Some(proxy) if proxy.uri().scheme_str() == Some("https") => {
            let direct = config.rustls_https_connector_with_connector(direct)?;
            build(&config, through(&proxy, direct), peers)?
        }
        Some(proxy) => build(&config, through(&proxy, direct), peers)?,
    };
    Ok((client, namespace))
}

/// The proxy before the API server. One that the kubeconfig names is used in any case. Inside of a cluster there is none:
/// the API server stands in the same cluster, and what leads out of it does not lead there.
fn proxy(config: &Config, proxies: &Proxies) -> Result<Option<Proxy>, ProxyError> {
    // kube holds NO_PROXY against the proxy instead of the API server, so that is done anew; it sets this address only
    // where there is a kubeconfig.
    if config.proxy_url.is_none() {
        return Ok(None);
    }
    if let Some(named) = named_in_kubeconfig() {
        return Proxy::parse("proxy-url in the kubeconfig", &named).map(Some);
    }
    let url = &config.cluster_url;
    let host = url.host().filter(|_| url.scheme_str() == Some("https"));
    let port = url.port_u16().or(Some(443));
    Ok(host.and_then(|host| proxies.before(host, port)).cloned())
}

fn named_in_kubeconfig() -> Option<String> {
    let Kubeconfig { current_context, contexts, clusters, .. } = Kubeconfig::read().ok()?;
    let current =
        contexts.into_iter().find(|context| Some(&context.name) == current_context.as_ref())?.context?;
    let cluster = clusters.into_iter().find(|cluster| cluster.name == current.cluster)?.cluster?;
    cluster.proxy_url.filter(|url| !url.is_empty())
}

fn through<C>(proxy: &Proxy, direct: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.uri().clone(), direct);
    match proxy.authorization() {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    }
}

/// Kube's own layers around [`Calls`]. What is left out of its stack: the one that re-sends what was answered with 429,
/// 503 and 504, writes too, and the one that writes spans with the names of objects.
fn build<C>(config: &Config, connector: C, peers: Arc<Peers>) -> Result<Client, kube::Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let calls = Calls::new(config.rustls_https_connector_with_connector(connector)?, peers);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .service(service_fn(move |request| calls.clone().make(request)));
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}
