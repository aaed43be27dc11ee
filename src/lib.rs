//! Bowline's outside: the edges that make remote calls, and the service around the node.
