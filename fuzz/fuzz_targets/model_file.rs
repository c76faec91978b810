//! Any bytes as a model file: a model that is read must be written and read again without a difference.
#![no_main]

use libfuzzer_sys::fuzz_target;
use texnet_infer::{Model, Precision};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::from_bytes(bytes) {
        assert_eq!(Model::from_bytes(&model.to_bytes(Precision::F32)), Ok(model.clone()));
        let half = Model::from_bytes(&model.to_bytes(Precision::F16)).expect("finite in 16 bits too");
        let bytes = half.to_bytes(Precision::F16);
        assert_eq!(Model::from_bytes(&bytes), Ok(half), "rounding twice is rounding once");
    }
});
