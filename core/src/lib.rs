//! The pure core of Bowline.
