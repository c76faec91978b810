//! Whether a JPEG is all there: decoders fill what is missing with grey and say nothing.

/// Whether the file reaches the end marker of its picture (ITU T.81, B.1.1). Embedded thumbnails have one too, but
/// lie within segments, which are stepped over.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: u8 = 0xD9;
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(begins_segment_or_ends) {
        if rest[at + 1] == END_OF_IMAGE {
            return true;
        }
        let Some(&[high, low]) = rest.get(at + 2..at + 4) else { return false };
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(at + 2 + length..).unwrap_or_default();
    }
    false
}

/// Neither a stuffed zero, nor fill, nor one of the markers that stand alone within a picture.
fn begins_segment_or_ends(pair: &[u8]) -> bool {
    pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0x01 | 0xD0..=0xD8 | 0xFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_marker_outside_of_segments_counts() {
        let thumbnail = b"\xFF\xD8\xFF\xE1\x00\x06\xFF\xD8\xFF\xD9";
        let scan = b"\xFF\xDA\x00\x03\x01data\xFF\x00\xFF\xD3more\xFF\xFF";
        assert!(!is_complete(thumbnail));
        assert!(!is_complete(&[&thumbnail[..], scan].concat()));
        assert!(is_complete(&[&thumbnail[..], scan, b"\xD9"].concat()));
        assert!(!is_complete(b"\xFF\xD8\xFF\xDA\xFF\xFFshort") && !is_complete(b"\xFF\xD8\xFF\xDA"));
    }
}
