//! Who wants something is who asked for it: `spec.by` of an intent is the requesting user.

use serde_json::{Value, json};

use crate::edges::kube::intents::KINDS;

const NAME: &str = "bowline-intents";

/// The policy and its binding.
pub(super) fn all() -> Vec<Value> {
    let resources: Vec<_> = KINDS.iter().map(|kind| kind.plural).collect();
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["bowline.dev"],
                "apiVersions": ["*"],
                "operations": ["CREATE"],
                "resources": resources,
            }]},
            "validations": [{
                "expression": "object.spec.by == request.userInfo.username",
                "messageExpression":
                    "'spec.by must be the requesting user, ' + request.userInfo.username",
                "reason": "Forbidden",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    });
    vec![policy, binding]
}
