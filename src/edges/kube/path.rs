//! Paths of objects. Names come from policies: nothing in them may lead elsewhere.

use std::fmt::Write;

use bowline_core::model::{GroupName, ObjectName, WorkloadKind, WorkloadRef};

/// The path of a namespaced resource, or of an object of it.
pub(crate) fn namespaced(api: &str, namespace: &str, resource: &str, name: Option<&str>) -> String {
    let mut path = format!("{api}/namespaces/{}/{resource}", segment(namespace));
    if let Some(name) = name {
        path.push('/');
        path.push_str(&segment(name));
    }
    path
}

/// The path of a Deployment or StatefulSet.
pub(crate) fn workload(workload: &WorkloadRef) -> String {
    let resource = match workload.kind {
        WorkloadKind::Deployment => "deployments",
        WorkloadKind::StatefulSet => "statefulsets",
    };
    let (namespace, name) = (workload.namespace.as_str(), workload.name.as_str());
    namespaced("/apis/apps/v1", namespace, resource, Some(name))
}

/// The path of a CronJob.
pub(crate) fn job(namespace: &ObjectName, name: &ObjectName) -> String {
    namespaced("/apis/batch/v1", namespace.as_str(), "cronjobs", Some(name.as_str()))
}

/// The path of a Karpenter NodePool, which has no namespace.
pub(crate) fn pool(name: &ObjectName) -> String {
    format!("/apis/karpenter.sh/v1/nodepools/{}", segment(name.as_str()))
}

/// The name of a group's fence ConfigMap.
pub(crate) fn fence_name(group: &GroupName) -> String {
    format!("bowline-fence-{group}")
}

/// One segment of a path or one value of a query, with everything but unreserved characters
/// escaped.
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut all, byte| {
        if byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte) && text != "." && text != ".." {
            all.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(all, "%{byte:02X}");
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_lead_elsewhere() {
        assert_eq!(segment("shop-1.web_x"), "shop-1.web_x");
        assert_eq!(segment("../nodes?x=1#"), "..%2Fnodes%3Fx%3D1%23");
        assert_eq!((segment(".."), segment(".")), ("%2E%2E".into(), "%2E".into()));
        let path = namespaced("/api/v1", "a/b", "configmaps", Some("ä"));
        assert_eq!(path, "/api/v1/namespaces/a%2Fb/configmaps/%C3%A4");
    }

    #[test]
    fn every_kind_has_its_path() {
        let mut reference = WorkloadRef {
            kind: WorkloadKind::Deployment,
            namespace: "shop".into(),
            name: "web".into(),
        };
        assert_eq!(workload(&reference), "/apis/apps/v1/namespaces/shop/deployments/web");
        reference.kind = WorkloadKind::StatefulSet;
        assert_eq!(workload(&reference), "/apis/apps/v1/namespaces/shop/statefulsets/web");
        assert_eq!(
            job(&"shop".into(), &"bills".into()),
            "/apis/batch/v1/namespaces/shop/cronjobs/bills"
        );
        assert_eq!(pool(&"dr".into()), "/apis/karpenter.sh/v1/nodepools/dr");
        assert_eq!(fence_name(&"shop".into()), "bowline-fence-shop");
    }
}
