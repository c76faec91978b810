//! Fixed networks that describe pictures: features at named layers.
