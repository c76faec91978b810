//! Whether the chunks of a WebP file fit into it (RFC 9649, section 2.3).

/// Bytes of a chunk's name and length.
const HEADER: usize = 8;

/// Whether every chunk ends inside the file. A decoder that believes a length in a damaged file asks for that much
/// memory.
pub(super) fn is_complete(bytes: &[u8]) -> bool {
    let length = |at: usize| {
        let field = bytes.get(at + 4..at + HEADER)?;
        Some(u32::from_le_bytes([field[0], field[1], field[2], field[3]]) as usize)
    };
    let Some(end) = length(0).and_then(|size| size.checked_add(HEADER)) else { return false };
    // Behind `RIFF`, its length and `WEBP`.
    let mut at = HEADER + 4;
    while let Some(size) = length(at).filter(|_| at + HEADER <= end) {
        let Some(next) = at.checked_add(HEADER).and_then(|start| start.checked_add(size)) else {
            return false;
        };
        if next > bytes.len() {
            return false;
        }
        at = next + size % 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(chunks: &[(&[u8; 4], u32, usize)]) -> Vec<u8> {
        let mut body = b"WEBP".to_vec();
        for (name, told, given) in chunks {
            body.extend_from_slice(*name);
            body.extend(told.to_le_bytes());
            body.extend(vec![0; *given]);
        }
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn chunks_inside_the_file_are_complete_and_longer_ones_are_not() {
        assert!(is_complete(&file(&[(b"VP8X", 10, 10), (b"EXIF", 3, 4), (b"VP8L", 6, 6)])));
        assert!(!is_complete(&file(&[(b"VP8X", 10, 10), (b"EXIF", 671_088_666, 40)])));
        assert!(!is_complete(&file(&[(b"VP8L", u32::MAX, 6)])));
        assert!(!is_complete(b"RIFF"));
    }
}
