//! What `data` is told on its command line.

use std::net::SocketAddr;

use bowline_core::model::{InstanceId, Region, Span};
use bowline_core::op::InstanceSettings;
use bowline_sim::aws::rds::{DatabaseSpec, Engine, MemberSpec, Takes, Times};
use clap::{Args, ValueEnum};

/// What `data` is told on its command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: SocketAddr,
    /// The writer: its Region and identifier.
    #[arg(long, value_name = "REGION/NAME", default_value = "eu-west-1/shop-home")]
    home: Place,
    /// The replica: its Region and identifier.
    #[arg(long, value_name = "REGION/NAME", default_value = "eu-central-1/shop-standby")]
    standby: Place,
    /// The security group of both that admits the application.
    #[arg(long, value_name = "GROUP", default_value = "sg-0cccccccccccccccc")]
    open_group: String,
    /// Home's security group that admits replication only.
    #[arg(long, value_name = "GROUP", default_value = "sg-0aaaaaaaaaaaaaaaa")]
    home_closed_group: String,
    /// Standby's security group that admits replication only.
    #[arg(long, value_name = "GROUP", default_value = "sg-0bbbbbbbbbbbbbbbb")]
    standby_closed_group: String,
    /// The engine: what the replica's lag reads once its source is gone.
    #[arg(long, value_enum, default_value = "mysql")]
    engine: EngineName,
    /// RDS manages the master password, which rules new replicas out.
    #[arg(long)]
    managed_password: bool,
    /// How long it has all been running already, so that the metrics have a past.
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub(super) history: Span,
    /// Draws what is drawn.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// How long a promotion takes: `20s-30s`, or `20s` for exactly that.
    #[arg(long, value_name = "FROM-TO", value_parser = takes)]
    promotion: Option<Takes>,
    /// How long a rename takes.
    #[arg(long, value_name = "FROM-TO", value_parser = takes)]
    rename: Option<Takes>,
    /// How long a new replica takes.
    #[arg(long, value_name = "FROM-TO", value_parser = takes)]
    replica: Option<Takes>,
    /// How long the engine is down for a reboot.
    #[arg(long, value_name = "FROM-TO", value_parser = takes)]
    reboot: Option<Takes>,
}

/// The engines there are.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineName {
    Mysql,
    Postgresql,
}

impl EngineName {
    /// As RDS calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgresql => "postgres",
        }
    }
}

/// An identifier in a Region.
#[derive(Clone, Debug)]
struct Place {
    region: Region,
    instance: InstanceId,
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((region, instance)) if !region.is_empty() && !instance.is_empty() => {
                Ok(Self { region: region.into(), instance: instance.into() })
            }
            _ => Err(format!("`{text}`: write REGION/NAME, such as eu-west-1/shop-home")),
        }
    }
}

/// Reads `FROM-TO`, or one duration.
fn takes(text: &str) -> Result<Takes, String> {
    let span = |part: &str| part.parse::<Span>().map_err(|e| e.to_string());
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let takes = Takes { from: span(from)?, to: span(to)? };
    if takes.from > takes.to {
        return Err(format!("`{text}`: {to} is shorter than {from}; exchange them"));
    }
    if takes.from < Span::secs(1) {
        return Err(format!("`{text}`: nothing at RDS takes less than 1s"));
    }
    Ok(takes)
}

impl Arguments {
    /// The pace of RDS; its own where nothing else was said.
    pub(super) fn times(&self) -> Times {
        let own = Times::default();
        Times {
            promotion: self.promotion.unwrap_or(own.promotion),
            rename: self.rename.unwrap_or(own.rename),
            replica: self.replica.unwrap_or(own.replica),
            reboot: self.reboot.unwrap_or(own.reboot),
            backup: own.backup,
        }
    }

    /// The database at the beginning.
    pub(super) fn database(&self) -> DatabaseSpec {
        let engine = match self.engine {
            EngineName::Mysql => Engine::MySql,
            EngineName::Postgresql => Engine::PostgreSql,
        };
        DatabaseSpec {
            engine,
            home: self.member(&self.home, &self.home_closed_group),
            standby: self.member(&self.standby, &self.standby_closed_group),
            managed_password: self.managed_password,
        }
    }

    fn member(&self, place: &Place, closed: &str) -> MemberSpec {
        let settings = InstanceSettings {
            engine: self.engine.word().into(),
            class: "db.r6g.large".into(),
            subnet_group: Some("shop".into()),
            parameter_group: Some("shop-parameters".into()),
            security_groups: vec![self.open_group.as_str().into()],
            kms_key: None,
            backup_retention_days: 7,
            multi_az: false,
        };
        MemberSpec {
            region: place.region.clone(),
            instance: place.instance.clone(),
            closed: closed.into(),
            settings,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_times_is_read_and_a_wrong_one_says_what_to_do() {
        assert_eq!(takes("20s-1m").unwrap(), Takes::secs(20, 60));
        assert_eq!(takes("5s").unwrap(), Takes::secs(5, 5));
        assert!(takes("30s-20s").unwrap_err().contains("exchange them"));
        assert!(takes("5").unwrap_err().contains("number and a unit"));
        assert!(takes("0s-5s").unwrap_err().contains("less than 1s"));
    }

    #[test]
    fn a_place_is_a_region_and_a_name() {
        let place: Place = "eu-west-1/shop-home".parse().unwrap();
        assert_eq!((place.region, place.instance), ("eu-west-1".into(), "shop-home".into()));
        assert!("shop-home".parse::<Place>().unwrap_err().contains("REGION/NAME"));
    }
}
