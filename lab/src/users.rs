//! Who may speak to the lab's API servers: users with tokens, and a kubeconfig for each.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Result, bail};

/// A user of every cluster, known by a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name that `RoleBinding`s and admission policies see.
    pub name: String,
    /// The groups the user belongs to.
    pub groups: Vec<String>,
    /// The secret; made anew for each lab.
    pub token: String,
}

/// The user who may do everything.
pub const ADMIN: &str = "admin";

impl User {
    /// A user with a fresh token. Fails if the kernel gives no random bytes.
    pub fn new(name: &str, groups: &[&str]) -> Result<Self> {
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let groups = groups.iter().map(|g| (*g).to_owned()).collect();
        Ok(Self { name: name.to_owned(), groups, token: hex::encode(bytes) })
    }

    /// The lab's users: `admin` of `system:masters`, and four without any right of their own, for
    /// tests of roles: `bowline` the controller, `operator`, `approver` and `stranger`.
    pub fn all() -> Result<Vec<Self>> {
        let plain =
            ["bowline", "operator", "approver", "stranger"].map(|name| (name, [].as_slice()));
        let users = [(ADMIN, ["system:masters"].as_slice())].into_iter().chain(plain);
        users.map(|(name, groups)| Self::new(name, groups)).collect()
    }
}

/// The file that `kube-apiserver --token-auth-file` reads.
pub(crate) fn token_file(users: &[User]) -> String {
    let line = |u: &User| format!("{},{},{},\"{}\"\n", u.token, u.name, u.name, u.groups.join(","));
    users.iter().map(line).collect()
}

/// A kubeconfig for `user` of the API server on `port`, whose authority is in the file `ca`.
pub(crate) fn kubeconfig(cluster: &str, port: u16, ca: &Path, user: &User) -> Result<String> {
    let Some(ca) = ca.to_str() else { bail!("the path {} is not UTF-8", ca.display()) };
    let document = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [{
            "name": cluster,
            "cluster": {
                "server": format!("https://127.0.0.1:{port}"),
                "certificate-authority": ca,
            },
        }],
        "users": [{ "name": user.name, "user": { "token": user.token } }],
        "contexts": [{ "name": cluster, "context": { "cluster": cluster, "user": user.name } }],
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_tokens_of_their_own() {
        let users = User::all().unwrap();
        assert_eq!(users[0].name, ADMIN);
        let mut tokens: Vec<_> = users.iter().map(|u| &u.token).collect();
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), users.len());
        let file = token_file(&users);
        assert!(file.starts_with(&format!("{},admin,admin,\"system:masters\"\n", users[0].token)));
        assert_eq!(file.lines().count(), users.len());
    }

    #[test]
    fn a_kubeconfig_names_server_authority_and_token() {
        let user = User { name: "u".into(), groups: vec![], token: "t".into() };
        let text = kubeconfig("home", 7, Path::new("/x/ca.crt"), &user).unwrap();
        for part in ["https://127.0.0.1:7", "/x/ca.crt", "\"token\": \"t\"", "\"home\""] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
