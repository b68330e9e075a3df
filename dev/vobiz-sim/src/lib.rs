//! The simulated Vobiz.
