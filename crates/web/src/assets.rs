use axum::http::header;

type Asset = ([(header::HeaderName, &'static str); 2], &'static str);

const A_DAY: (header::HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=86400");

pub(crate) async fn stylesheet() -> Asset {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), A_DAY], include_str!("../assets/page.css"))
}

pub(crate) async fn icon() -> Asset {
    ([(header::CONTENT_TYPE, "image/svg+xml"), A_DAY], include_str!("../assets/icon.svg"))
}
