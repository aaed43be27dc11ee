//! Levers: what moves traffic from one site to the other.
//!
//! [`records`] exchanges failover records in one atomic batch per zone; [`gates`] flips one bit
//! that two pre-created health checks follow. Either way the losing gate is closed with or before
//! the gaining one is opened, and what the traffic then does is seen from outside by [`outside`].

pub mod gates;
pub mod outside;
pub mod records;

#[cfg(test)]
mod tests;
