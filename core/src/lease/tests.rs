//! Tests of the lease.
