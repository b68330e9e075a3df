//! Which proxy stands before which host, as the environment says it: `HTTPS_PROXY` and `NO_PROXY`, in capitals or not.

use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// Where a proxy is named, in the order in which it is looked for.
const NAMED_IN: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Why a proxy cannot be used. Its address may hold a password, so it is not shown.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxyError {
    #[error("{0} is not the URL of a proxy: write it as http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT")]
    NotUrl(&'static str),
    #[error("{name} names a proxy of the scheme {scheme}, which is not supported: use one of http or https")]
    Scheme { name: &'static str, scheme: String },
}

/// A proxy that tunnels (CONNECT), so that it sees neither credentials nor purchases.
#[derive(Debug, Clone)]
pub struct Proxy(Intercept);

impl Proxy {
    /// `name` is where it was named.
    pub fn parse(name: &'static str, text: &str) -> Result<Self, ProxyError> {
        let uri: Uri = text.parse().map_err(|_| ProxyError::NotUrl(name))?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            // A single word is a mistake rather than a host.
            None if uri.port().is_some() => {}
            None => return Err(ProxyError::NotUrl(name)),
            Some(scheme) => return Err(ProxyError::Scheme { name, scheme: scheme.to_owned() }),
        }
        let anywhere = Uri::from_static("https://vobiz.ai");
        let found = Matcher::builder().https(text).build().intercept(&anywhere);
        found
            .filter(|found| found.uri().host().is_some_and(|host| !host.is_empty()))
            .map(Self)
            .ok_or(ProxyError::NotUrl(name))
    }

    pub fn uri(&self) -> &Uri {
        self.0.uri()
    }

    /// The credentials with which the proxy is asked, if its address has some.
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.0.basic_auth()
    }

    /// The same, for reqwest.
    pub fn for_reqwest(&self) -> Result<reqwest::Proxy, ProxyError> {
        let proxy =
            reqwest::Proxy::all(self.uri().to_string()).map_err(|_| ProxyError::NotUrl(NAMED_IN[0]))?;
        Ok(match self.authorization() {
            Some(authorization) => proxy.custom_http_auth(authorization.clone()),
            None => proxy,
        })
    }
}

#[derive(Debug, Clone)]
pub struct Proxies {
    https: Option<Proxy>,
    except: Vec<Exception>,
}

impl Proxies {
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxyError> {
        let filled = |name: &'static str| {
            let text = variable(name)?.trim().to_owned();
            (!text.is_empty()).then_some((name, text))
        };
        let named = NAMED_IN.into_iter().find_map(filled);
        let https = named.map(|(name, text)| Proxy::parse(name, &text)).transpose()?;
        let except = ["NO_PROXY", "no_proxy"].into_iter().find_map(filled);
        let except = except.map(|(_, text)| exceptions(&text)).unwrap_or_default();
        Ok(Self { https, except })
    }

    /// The proxy before a host that is called by https, if there is one.
    pub fn before(&self, host: &str, port: Option<u16>) -> Option<&Proxy> {
        let host =
            host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
        let proxy = self.https.as_ref()?;
        (!self.except.iter().any(|exception| exception.covers(&host, port))).then_some(proxy)
    }
}

/// One entry of `NO_PROXY`, as curl, Go and the rest of the world read it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    /// `*`
    All,
    /// `10.0.0.0/8`, or one address.
    Network { address: IpAddr, bits: u32, port: Option<u16> },
    /// `example.com`, `.example.com` or `*.example.com`: the host and all below it.
    Name { name: String, port: Option<u16> },
}

fn exceptions(text: &str) -> Vec<Exception> {
    let entries = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
    entries.filter_map(Exception::parse).collect()
}

impl Exception {
    /// Nothing for what can be no host: it excepts none.
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
            return (bits <= width(address)).then_some(Self::Network { address, bits, port: None });
        }
        // Without brackets, what stands behind the last colon of an IPv6 address is no port.
        let whole: Option<IpAddr> = entry.parse().ok();
        let port = entry.rsplit_once(':').filter(|_| whole.is_none());
        let (host, port) = match port.map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => (host, Some(port)),
            Some((_, Err(_))) if !entry.ends_with(']') => return None,
            _ => (entry, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Network { address, bits: width(address), port });
        }
        let name = host.trim_start_matches('*').trim_matches('.').to_ascii_lowercase();
        (!name.is_empty()).then_some(Self::Name { name, port })
    }

    fn covers(&self, host: &str, port: Option<u16>) -> bool {
        let at_port = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match self {
            Self::All => true,
            Self::Network { address, bits, port } => {
                at_port(port) && host.parse().is_ok_and(|host| is_within(host, *address, *bits))
            }
            Self::Name { name, port } => {
                let below = host.strip_suffix(name.as_str());
                at_port(port) && below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
            }
        }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_within(host: IpAddr, network: IpAddr, bits: u32) -> bool {
    let host = if network.is_ipv4() { host.to_canonical() } else { host };
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let ignored = width(network) - bits;
    let lead = |address| number(address).checked_shr(ignored).unwrap_or(0);
    host.is_ipv4() == network.is_ipv4() && lead(host) == lead(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Proxies, ProxyError> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Proxies::read(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_variable_that_says_something_names_the_proxy() {
        for (variables, expected) in [
            (&[][..], None),
            (&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")], Some("http://a:1/")),
            (&[("HTTPS_PROXY", ""), ("https_proxy", "http://b:2")], Some("http://b:2/")),
            (&[("https_proxy", "b:2"), ("ALL_PROXY", "http://c:3")], Some("http://b:2/")),
            (&[("all_proxy", "https://c:3")], Some("https://c:3/")),
            (&[("HTTP_PROXY", "http://d:4"), ("http_proxy", "nonsense")], None),
            (&[("HTTPS_PROXY", " http://a:1 "), ("NO_PROXY", "")], Some("http://a:1/")),
            (&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", " "), ("no_proxy", "vobiz.ai")], None),
        ] {
            let proxies = read(variables).unwrap();
            let found = proxies.before("api.vobiz.ai", Some(443)).map(|proxy| proxy.uri().to_string());
            assert_eq!(found.as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_named_without_its_password() {
        for (text, words) in [
            ("nonsense", "https_proxy is not the URL"),
            ("two words", "https_proxy is not the URL"),
            ("http://", "https_proxy is not the URL"),
            ("http://user:hush@:3128:1", "https_proxy is not the URL"),
            ("http://[::1", "https_proxy is not the URL"),
            ("socks5://user:hush@proxy:1080", "the scheme socks5, which is not supported"),
            ("ftp://proxy:21", "the scheme ftp, which is not supported"),
        ] {
            let complaint = read(&[("https_proxy", text)]).unwrap_err().to_string();
            assert!(complaint.contains(words) && !complaint.contains("hush"), "{text}: {complaint}");
        }
    }

    #[test]
    fn who_asks_is_told_to_the_proxy_and_to_nobody_who_looks() {
        let proxy = Proxy::parse("HTTPS_PROXY", "http://Aladdin:open%20sesame@proxy:3128").unwrap();
        assert_eq!(proxy.uri(), "http://proxy:3128/");
        assert_eq!(proxy.authorization().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{proxy:?} {:?}", proxy.for_reqwest()).contains("QWx"), "{proxy:?}");
    }

    #[test]
    fn a_host_is_excepted_in_every_form_that_people_write() {
        for (except, host, port, excepted) in [
            ("*", "10.0.0.1", 443, true),
            ("a, *", "api.vobiz.ai", 443, true),
            ("vobiz.ai", "api.vobiz.ai", 443, true),
            (".vobiz.ai", "API.vobiz.ai", 443, true),
            ("*.VOBIZ.ai", "api.vobiz.ai.", 443, true),
            ("vobiz.ai", "vobiz.ai", 443, true),
            (".vobiz.ai", "vobiz.ai", 443, true),
            ("vobiz.ai", "notvobiz.ai", 443, false),
            ("api.vobiz.ai", "vobiz.ai", 443, false),
            ("vobiz.ai:443", "api.vobiz.ai", 443, true),
            ("vobiz.ai:8443", "api.vobiz.ai", 443, false),
            ("localhost,,10.0.0.0/8,", "10.96.0.1", 443, true),
            ("10.0.0.0/8", "11.96.0.1", 443, false),
            ("10.96.0.1", "10.96.0.1", 6443, true),
            ("10.96.0.1:443", "10.96.0.1", 6443, false),
            ("10.96.0.0/12", "10.96.0.1", 443, true),
            ("0.0.0.0/0", "10.96.0.1", 443, true),
            ("10.0.0.0/8 .svc", "kubernetes.default.svc", 443, true),
            (".cluster.local", "kubernetes.default.svc.cluster.local", 443, true),
            ("svc", "kubernetes.default.svc", 443, true),
            ("fd00::/8", "[fd00::1]", 443, true),
            ("fd00::/8", "fe00::1", 443, false),
            ("::/0", "10.0.0.1", 443, false),
            ("::1", "[::1]", 443, true),
            ("[::1]:443", "[::1]", 443, true),
            ("[::1]:80", "[::1]", 443, false),
            ("127.0.0.0/8", "[::ffff:127.0.0.1]", 443, true),
            ("10.0.0.0/33,vobiz.ai:x,/,:", "api.vobiz.ai", 443, false),
        ] {
            let proxies = read(&[("HTTPS_PROXY", "http://proxy:3128"), ("no_proxy", except)]).unwrap();
            let through = proxies.before(host, Some(port)).is_some();
            assert_eq!(through, !excepted, "NO_PROXY={except:?}, {host}:{port}");
        }
    }
}
