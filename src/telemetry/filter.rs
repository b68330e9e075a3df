//! What is logged: what `RUST_LOG` asks for, without what libraries would say about numbers.

use tracing_subscriber::{EnvFilter, Layer, Registry, filter::Directive};

/// Logs or traces, with what they take.
pub type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// The target of the spans that are traced, and of nothing else: no span of a library's, which may name a number, gets
/// into a trace. They are of the level DEBUG, so that they do not stand before every line of the log.
pub const TRACED: &str = "vobiz_operator::traced";

const DEFAULT: &str = "info";

/// kube's own messages quote whole lists, and its spans name records, whose names are their numbers; those below it speak of
/// addresses, which name both. Each is left as it is asked for by its name.
const QUIET: [(&str, &str); 8] = [
    ("kube", "error"),
    ("kube_client", "error"),
    ("kube_core", "error"),
    ("kube_runtime", "error"),
    ("h2", "warn"),
    ("hyper", "warn"),
    ("hyper_util", "warn"),
    ("reqwest", "warn"),
];

/// The filter for this value of `RUST_LOG`; the usual one where that says nothing, or nothing that can be read.
pub fn read(asked: Option<&str>) -> EnvFilter {
    let asked = asked.map(str::trim).filter(|asked| !asked.is_empty());
    let filter = asked.and_then(|asked| EnvFilter::try_new(asked).ok());
    let named = if filter.is_some() { asked.unwrap_or_default() } else { "" };
    let quiet = QUIET.iter().filter(|(target, _)| !names(named, target));
    let quiet = quiet.filter_map(|(target, level)| format!("{target}={level}").parse::<Directive>().ok());
    quiet.fold(filter.unwrap_or_else(|| EnvFilter::new(DEFAULT)), EnvFilter::add_directive)
}

/// Whether one of the directives is about this target, or a part of it.
fn names(directives: &str, target: &str) -> bool {
    let targets =
        directives.split(',').map(|directive| directive.trim().split(['=', '[']).next().unwrap_or_default());
    targets.map(|named| named.split("::").next().unwrap_or_default()).any(|named| named == target)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use http::Response;
    use kube::{Api, Client, api::ListParams, client::Body};
    use tracing_subscriber::{fmt, layer::SubscriberExt};

    use super::*;
    use crate::api::PhoneNumber;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged under a value of `RUST_LOG`.
    fn logged(asked: Option<&str>, work: impl FnOnce()) -> String {
        let log = Log::default();
        let writer = log.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let subscriber = tracing_subscriber::registry().with(read(asked)).with(layer);
        tracing::subscriber::with_default(subscriber, work);
        String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
    }

    /// A list that does not decode: kube quotes all of it.
    fn list_what_cannot_be_read() {
        let list = r#"{"apiVersion":"telephony.vobiz.ai/v1alpha1","kind":"PhoneNumberList","metadata":{},
            "items":[{"metadata":{"name":"911234500000"},"spec":7}]}"#;
        let answer = move |_: http::Request<Body>| async move {
            Ok::<_, tower::BoxError>(Response::new(Body::from(list.as_bytes().to_vec())))
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let records: Api<PhoneNumber> = Api::all(Client::new(tower::service_fn(answer), "default"));
            records.list(&ListParams::default()).await.unwrap_err();
        });
    }

    #[test]
    fn a_list_that_cannot_be_read_puts_no_number_into_the_log() {
        for asked in [
            None,
            Some(""),
            Some("info"),
            Some("warn"),
            Some("debug"),
            Some("vobiz_operator=trace,info"),
            Some("a=b=c"),
        ] {
            let log = logged(asked, list_what_cannot_be_read);
            assert!(!log.contains("911234500000"), "RUST_LOG={asked:?}: {log}");
        }
        // The test would see it.
        let log = logged(Some("info,kube_client=warn"), list_what_cannot_be_read);
        assert!(log.contains("911234500000"), "{log}");
    }

    #[test]
    fn what_is_asked_for_by_its_name_is_logged() {
        let speak = || {
            tracing::debug!(target: "kube_client::client", "of kube");
            tracing::debug!(target: "hyper_util::client", "of hyper");
            tracing::info!(target: "vobiz_operator::controller", "of ours");
        };
        for (asked, expected) in [
            (None, [false, false, true]),
            (Some("info"), [false, false, true]),
            (Some("error"), [false, false, false]),
            (Some("info,kube_client=debug"), [true, false, true]),
            (Some("kube_client::client=debug"), [true, false, false]),
            (Some("debug,hyper_util=debug"), [false, true, true]),
            (Some("a=b=c"), [false, false, true]),
        ] {
            let log = logged(asked, speak);
            let said = ["of kube", "of hyper", "of ours"].map(|words| log.contains(words));
            assert_eq!(said, expected, "RUST_LOG={asked:?}: {log}");
        }
    }
}
