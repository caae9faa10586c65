use url::{Url, form_urlencoded::byte_serialize};

/// Adds parameters to an address. A space is `%20` there: every server reads that, while `+` stands
/// for one only where a form was meant.
pub(crate) fn extend_query<N: AsRef<str>, V: AsRef<str>>(
    url: &mut Url,
    pairs: impl IntoIterator<Item = (N, V)>,
) {
    let mut query = url.query().unwrap_or_default().to_owned();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&encoded(name.as_ref()));
        query.push('=');
        query.push_str(&encoded(value.as_ref()));
    }
    if !query.is_empty() {
        url.set_query(Some(&query));
    }
}

/// Encodes a text so that it stands for itself in every part of an address.
pub(crate) fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(url: &str, pairs: &[(&str, &str)]) -> String {
        let mut url = Url::parse(url).unwrap();
        extend_query(&mut url, pairs.iter().copied());
        url.into()
    }

    #[test]
    fn what_is_added_comes_out_as_it_went_in() {
        let pairs = [("a b", "one two"), ("c+d", "1+1=2&x#y%20"), ("é", "")];
        let url = extended("https://acme.example/authorize", &pairs);
        assert_eq!(
            url,
            "https://acme.example/authorize?a%20b=one%20two&c%2Bd=1%2B1%3D2%26x%23y%2520&%C3%A9="
        );
        let read: Vec<_> = Url::parse(&url).unwrap().query_pairs().into_owned().collect();
        assert_eq!(read, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_the_address_has_already_stays_as_it_is() {
        let (with, without) = ("https://acme.example/?a=b+c", "https://acme.example/");
        assert_eq!(extended(with, &[("d", "e f")]), "https://acme.example/?a=b+c&d=e%20f");
        assert_eq!(extended(with, &[]), with);
        assert_eq!(extended(without, &[]), without);
    }
}
