//! AWS' calls.

mod fault;
#[cfg(test)]
mod testing;
