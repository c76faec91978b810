//! Any bytes as a Torch7 file: a model that is imported must be kept by our own format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use texnet_infer::{Model, Precision};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = texnet::import::torch7(bytes) {
        assert_eq!(Model::from_bytes(&model.to_bytes(Precision::F32)), Ok(model));
    }
});
