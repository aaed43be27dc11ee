//! The one ARN that is taken apart: an RDS instance's, which is how other Regions name it.

use super::ids::{InstanceArn, InstanceId, Region};

impl InstanceArn {
    /// `arn:PARTITION:rds:REGION:ACCOUNT:db:IDENTIFIER`.
    #[must_use]
    pub fn of(partition: &str, region: &Region, account: &str, instance: &InstanceId) -> Self {
        Self::new(format!("arn:{partition}:rds:{region}:{account}:db:{instance}"))
    }

    /// The instance's Region, if this is an RDS instance's ARN.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        self.parts().map(|(region, _)| region.into())
    }

    /// The instance's identifier, if this is an RDS instance's ARN.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        self.parts().map(|(_, instance)| instance.into())
    }

    fn parts(&self) -> Option<(&str, &str)> {
        let parts: Vec<&str> = self.as_str().split(':').collect();
        match parts[..] {
            ["arn", _, "rds", region, _, "db", instance] => Some((region, instance)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instances_arn_names_its_region_and_identifier() {
        let arn = InstanceArn::of("aws", &"eu-west-1".into(), "111111111111", &"shop".into());
        assert_eq!(arn.as_str(), "arn:aws:rds:eu-west-1:111111111111:db:shop");
        assert_eq!((arn.region(), arn.instance()), (Some("eu-west-1".into()), Some("shop".into())));
        for other in ["", "shop", "arn:aws:rds:eu-west-1:111111111111:cluster:shop", "::::::"] {
            let arn = InstanceArn::new(other);
            assert_eq!((arn.region(), arn.instance()), (None, None), "{other}");
        }
    }
}
