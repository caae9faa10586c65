use reqwest::{Method, Response, redirect::Policy};
use url::Url;

use crate::html;

/// A person's browser: keeps cookies, follows redirects one by one, fills in forms, runs no
/// scripts.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
}

/// A page as it arrived.
#[derive(Debug)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// Its HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its HTML.
    pub html: String,
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// Returns a browser without cookies.
    pub fn new() -> Self {
        let http = reqwest::Client::builder().cookie_store(true).redirect(Policy::none()).build();
        Self { http: http.expect("a client") }
    }

    /// Opens an address, without following where it leads.
    pub async fn open(&self, url: &str) -> Page {
        let response = self.http.get(url).header("sec-fetch-site", "none").send().await;
        page(response.expect("an answer")).await
    }

    /// Opens an address and follows redirects to the end.
    pub async fn visit(&self, url: &str) -> Page {
        let page = self.open(url).await;
        self.follow(page).await
    }

    /// Clicks a button and follows redirects to the end.
    pub async fn click(&self, page: &Page, button: &str) -> Page {
        let next = self.submit(page, button).await;
        self.follow(next).await
    }

    /// Clicks a button, without following where it leads.
    pub async fn submit(&self, on: &Page, button: &str) -> Page {
        let form = html::form(&on.html, button)
            .unwrap_or_else(|| panic!("no button {button:?} on {}:\n{}", on.url, on.html));
        let action = form.action.unwrap_or_default();
        let url = on.url.join(&action).expect("an address");
        let request = self.http.request(Method::POST, url).form(&form.fields);
        let response = request.header("sec-fetch-site", "same-origin").send().await;
        page(response.expect("an answer")).await
    }

    /// Returns where a click on Connect leads from our link: the provider, and what it is asked
    /// for.
    pub async fn authorize_url(&self, link: &str) -> Url {
        let page = self.visit(link).await;
        let leaving = self.submit(&page, "Connect").await;
        leaving.leads_to().unwrap_or_else(|| panic!("no way on: {leaving:?}"))
    }

    /// Goes from our link to the provider's consent page: opens the link and clicks Connect.
    pub async fn to_provider(&self, link: &str) -> Page {
        let page = self.visit(link).await;
        self.click(&page, "Connect").await
    }

    /// Returns the whole way: opens the link, clicks Connect, then `decision` at the provider.
    pub async fn connect(&self, link: &str, decision: &str) -> Page {
        let provider = self.to_provider(link).await;
        self.click(&provider, decision).await
    }

    /// Returns the whole way but for the last step: the address at which the provider hands the
    /// browser back to us.
    pub async fn callback(&self, link: &str, decision: &str) -> Url {
        let provider = self.to_provider(link).await;
        let back = self.submit(&provider, decision).await;
        back.leads_to().unwrap_or_else(|| panic!("no way back: {back:?}"))
    }

    async fn follow(&self, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(next) = page.leads_to() else { return page };
            page = self.open(next.as_str()).await;
        }
        panic!("too many redirects: {page:?}")
    }
}

impl Page {
    /// Returns where the page sends the browser by itself.
    pub fn leads_to(&self) -> Option<Url> {
        let location = self.headers.get("location").and_then(|value| value.to_str().ok());
        let next = location.map(ToOwned::to_owned).or_else(|| html::refresh(&self.html))?;
        self.url.join(&next).ok()
    }

    /// Returns the page with the radio button of that label chosen.
    #[must_use]
    pub fn choose(self, label: &str) -> Self {
        let html = html::choose(&self.html, label);
        Self { html: html.unwrap_or_else(|| panic!("no {label:?} on {}", self.url)), ..self }
    }

    /// Returns the page with a text entered into a field.
    #[must_use]
    pub fn fill(self, field: &str, text: &str) -> Self {
        let html = html::fill(&self.html, field, text);
        Self { html: html.unwrap_or_else(|| panic!("no {field:?} on {}", self.url)), ..self }
    }

    /// Returns the page with the checkbox of that label not ticked.
    #[must_use]
    pub fn untick(self, label: &str) -> Self {
        let html = html::untick(&self.html, label);
        Self { html: html.unwrap_or_else(|| panic!("no {label:?} on {}", self.url)), ..self }
    }

    /// Returns how our page says it ended.
    pub fn outcome(&self) -> String {
        html::outcome(&self.html).unwrap_or_default()
    }
}

/// Returns an address with one query parameter changed, or taken out.
#[must_use]
pub fn with_parameter(url: &Url, name: &str, value: Option<&str>) -> Url {
    let kept = url.query_pairs().into_owned().filter(|(key, _)| key != name);
    let pairs: Vec<_> =
        kept.chain(value.map(|value| (name.to_owned(), value.to_owned()))).collect();
    let mut changed = url.clone();
    changed.query_pairs_mut().clear().extend_pairs(pairs);
    changed
}

async fn page(response: Response) -> Page {
    let url = response.url().clone();
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let html = response.text().await.unwrap_or_default();
    Page { url, status, headers, html }
}
