use std::ops::Range;

use super::*;

/// Returns what a stream hands on of a text that comes in these parts.
fn streamed<'a>(secret: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut scrubber = secrets(&[secret]).stream();
    let mut clean = Vec::new();
    for part in parts {
        clean.extend_from_slice(&scrubber.push(Bytes::copy_from_slice(part)));
    }
    clean.extend_from_slice(&scrubber.finish());
    clean
}

/// Checks that a text has no secret, and no beginning of one that is worth anything.
fn assert_no_more_than_a_beginning(clean: &str, forms: &Patterns, how: &str) {
    for reading in readings(clean) {
        assert_eq!(forms.find(&reading, 0), None, "{how}: {clean}");
    }
    let before = clean.split(REDACTED).next().unwrap();
    for reading in readings(before) {
        let begun: Vec<Range<usize>> =
            forms.begun(&reading).map(|(start, _)| start..reading.len()).collect();
        assert!(begun.iter().all(|range| range.len() < 4), "{how}: {clean}");
    }
}

#[test]
fn o14_a_secret_is_found_wherever_a_body_is_cut_in_whatever_form_it_comes() {
    for secret in [SECRET, "xoxp-1234567890-abcdefghij", "ünicode-ключ-0123456789"] {
        let forms = Patterns::whole(&[Secret::new(secret.to_owned())]);
        for form in written(secret) {
            let text = format!("before {form}, after");
            for cut in 0..=text.len() {
                let (one, two) = text.as_bytes().split_at(cut);
                let clean = String::from_utf8(streamed(secret, [one, two])).unwrap();
                assert_no_more_than_a_beginning(&clean, &forms, &format!("{form} at {cut}"));
                assert!(clean.starts_with("before ") && clean.ends_with(", after"), "{clean}");
                assert!(clean.contains(REDACTED), "{clean}");
            }
            let clean = String::from_utf8(streamed(secret, text.as_bytes().chunks(1))).unwrap();
            assert_no_more_than_a_beginning(&clean, &forms, &form);
        }
    }
}

#[test]
fn o14_a_stream_in_utf_16_is_read_without_its_zeros() {
    let utf16: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for cut in 0..=utf16.len() {
        let clean = streamed(SECRET, [&utf16[..cut], &utf16[cut..]]);
        let clean = String::from_utf8(clean).unwrap().replace('\0', "");
        assert!(clean.ends_with(REDACTED) && clean.len() < REDACTED.len() + 4, "{clean}");
    }
}

#[test]
fn a_short_secret_is_taken_out_where_it_is_a_word_however_it_is_cut() {
    for cut in 0..=20 {
        let text = b"key one, phone, ones";
        let clean = streamed("one", [&text[..cut], &text[cut..]]);
        assert_eq!(clean, b"key [redacted], phone, ones", "{cut}");
    }
}

#[test]
fn an_event_still_ends_where_it_ended() {
    let text = b"data: xoxp-0123456789\n\ndata: 2\n\n";
    for cut in 0..=text.len() {
        let clean = streamed("xoxp-0123456789", [&text[..cut], &text[cut..]]);
        let clean = String::from_utf8(clean).unwrap();
        assert!(clean.ends_with("[redacted]\n\ndata: 2\n\n"), "{cut}: {clean}");
    }
}

#[test]
fn what_only_begins_like_a_secret_stays_as_it_is_and_is_not_held_back_for_ever() {
    let mut scrubber = secrets(&["xoxp-0123456789"]).stream();
    assert_eq!(scrubber.push("token xoxp-01".into()), "token ");
    assert_eq!(scrubber.push("33".into()), "xoxp-0133");
    assert_eq!(scrubber.push("xoxp".into()), "");
    let mut length = 0;
    for _ in 0..100 {
        length += scrubber.push(vec![0; 1_000].into()).len();
    }
    assert!(length > 90_000, "{length}");
    assert_eq!(length + scrubber.finish().len(), 100_004);
}

#[test]
fn a_stream_of_a_request_without_secrets_goes_on_as_it_comes() {
    let mut scrubber = Secrets::none().stream();
    assert_eq!(scrubber.push("xoxp-0123".into()), "xoxp-0123");
    assert_eq!(scrubber.finish(), "");
}

proptest! {
    #[test]
    fn o14_a_secret_is_found_in_parts_of_any_length(
        secret in "[A-Za-z0-9+/_.~-]{8,80}",
        before in "[ -~]{0,70}",
        after in "[ -~]{0,70}",
        which in 0_usize..30,
        part in 1_usize..50,
    ) {
        let forms = written(&secret);
        let text = format!("{before} {} {after}", forms[which % forms.len()]);
        let clean = String::from_utf8(streamed(&secret, text.as_bytes().chunks(part))).unwrap();
        assert_clean(&clean, &secret, &text);
    }

    #[test]
    fn any_bytes_without_a_secret_come_out_as_they_went_in(
        body in proptest::collection::vec(any::<u8>(), 0..600),
        part in 1_usize..50,
    ) {
        let clean = streamed("xoxp-0123456789", body.chunks(part));
        prop_assert_eq!(clean, body);
    }
}
