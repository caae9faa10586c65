//! The order of what is exposed: families as they were registered, and the series of each by their
//! labels, so that two expositions can be compared line by line.

use std::mem;

/// Returns an exposition with the series of each family in the order of their labels.
pub(super) fn in_order(text: &str) -> String {
    let mut ordered = String::with_capacity(text.len());
    let mut series: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            write(&mut ordered, mem::take(&mut series));
            write(&mut ordered, vec![line]);
        } else {
            series.push(line);
        }
    }
    write(&mut ordered, series);
    ordered
}

/// Writes lines in order. Those of one histogram keep theirs: they have the same labels, but for
/// the bucket.
fn write(to: &mut String, mut lines: Vec<&str>) {
    lines.sort_by_key(|line| labels(line));
    for line in lines {
        to.push_str(line);
        to.push('\n');
    }
}

/// Returns the labels of a line; the bucket's bound stands in front of the others.
fn labels(line: &str) -> &str {
    let labels = line.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let labels = labels.map_or("", |(labels, _)| labels);
    match labels.strip_prefix("le=\"").and_then(|rest| rest.split_once('"')) {
        Some((_, others)) => others.trim_start_matches(','),
        None => labels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_stand_in_the_order_of_their_labels_and_buckets_in_their_own() {
        let text = "# HELP b About.\n# TYPE b histogram\n\
                    b_sum{c=\"z\"} 1\nb_bucket{le=\"0.5\",c=\"z\"} 1\nb_bucket{le=\"+Inf\",c=\"z\"} 1\n\
                    b_sum{c=\"a\"} 2\nb_bucket{le=\"0.5\",c=\"a\"} 0\nb_bucket{le=\"+Inf\",c=\"a\"} 2\n\
                    # TYPE a counter\na_total 7\n# EOF\n";
        let expected = "# HELP b About.\n# TYPE b histogram\n\
                    b_sum{c=\"a\"} 2\nb_bucket{le=\"0.5\",c=\"a\"} 0\nb_bucket{le=\"+Inf\",c=\"a\"} 2\n\
                    b_sum{c=\"z\"} 1\nb_bucket{le=\"0.5\",c=\"z\"} 1\nb_bucket{le=\"+Inf\",c=\"z\"} 1\n\
                    # TYPE a counter\na_total 7\n# EOF\n";
        assert_eq!(in_order(text), expected);
    }
}
