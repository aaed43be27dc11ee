//! AWS as far as a failover meets it: Route 53 and its rules, ELB, RDS, CloudWatch.
//!
//! Each service performs an operation's effect at one instant. Network delay, time-outs, lost
//! replies and dead Regions are around it, not in it.

pub mod cloudwatch;
pub mod dns_rules;
pub mod elb;
pub mod rds;
pub mod route53;
