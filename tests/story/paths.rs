//! What leads a replica to the store and to all APIs: the lab's files, with other addresses in
//! them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::stand::Stand;

/// A kubeconfig and an endpoints file.
#[derive(Clone)]
pub(crate) struct Paths {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) endpoints: PathBuf,
}

impl Stand {
    /// The lab's own files, after `clusters` had the kubeconfig's clusters and `urls` every URL of
    /// the endpoints file; written beside them under a name.
    pub(crate) fn paths(
        &self,
        name: &str,
        mut clusters: impl FnMut(&mut Value),
        mut urls: impl FnMut(&mut Value),
    ) -> Paths {
        let read = |path: PathBuf| -> Value {
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
        };
        let mut kubeconfig = read(self.stage().kubeconfig_file("bowline"));
        kubeconfig["clusters"].as_array_mut().unwrap().iter_mut().for_each(&mut clusters);
        let mut endpoints = read(self.stage().endpoints_file());
        for services in endpoints["regions"].as_object_mut().unwrap().values_mut() {
            services.as_object_mut().unwrap().values_mut().for_each(&mut urls);
        }
        let write = |what: &str, value: &Value| {
            let path = self.lab.folder().join(format!("{name}-{what}"));
            fs::write(&path, value.to_string()).unwrap();
            path
        };
        Paths {
            kubeconfig: write("kubeconfig", &kubeconfig),
            endpoints: write("endpoints.json", &endpoints),
        }
    }
}

/// Leads a URL by another address, which is asked for with its own.
pub(crate) fn lead(url: &mut Value, by: impl FnOnce(SocketAddr) -> SocketAddr) {
    let text = url.as_str().unwrap().to_owned();
    let (scheme, to) = text.split_once("://").unwrap();
    *url = json!(format!("{scheme}://{}", by(to.parse().unwrap())));
}
