//! AWS' calls.

mod cloudwatch;
mod fault;
mod instant;
mod rds;
#[cfg(test)]
mod testing;

#[cfg(test)]
mod moto_tests;
