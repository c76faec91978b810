//! Convolution and its relatives on slices of f32: a plain reference of each, and a fast kernel tied to it by tests.
