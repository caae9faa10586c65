use crate::outside::Outside;

/// Returns a fresh UUID of version 4 (RFC 9562 §5.4).
pub(crate) fn fresh(outside: &Outside) -> String {
    let mut hex: Vec<char> = outside.secret("").chars().take(32).collect();
    hex[12] = '4';
    hex[16] = match hex[16] {
        '0'..='3' => '8',
        '4'..='7' => '9',
        '8' | '9' | 'a' | 'b' => 'a',
        _ => 'b',
    };
    dashed(&hex.into_iter().collect::<String>())
}

/// Returns the id in a path or body, written with dashes or without; nothing where it is no UUID.
pub(crate) fn read(text: &str) -> Option<String> {
    let is_dashed =
        text.len() == 36 && [8, 13, 18, 23].iter().all(|at| text.as_bytes()[*at] == b'-');
    let bare = if is_dashed { text.replace('-', "") } else { text.to_owned() };
    let is_hex = bare.len() == 32 && bare.bytes().all(|c| c.is_ascii_hexdigit());
    is_hex.then(|| dashed(&bare.to_ascii_lowercase()))
}

/// Writes an id without dashes, as addresses of pages have it.
pub(crate) fn bare(id: &str) -> String {
    id.replace('-', "")
}

fn dashed(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_with_dashes_and_without_and_nothing_else_is_one() {
        let id = "1f0c9a52-7c6e-4d0a-9f6b-2b6c4f7e1a01";
        assert_eq!(read(id).as_deref(), Some(id));
        assert_eq!(read(&bare(id).to_ascii_uppercase()).as_deref(), Some(id));
        for wrong in [
            "",
            "1f0c9a52",
            "1f0c9a527-c6e-4d0a-9f6b-2b6c4f7e1a01",
            "gf0c9a527c6e4d0a9f6b2b6c4f7e1a01",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
