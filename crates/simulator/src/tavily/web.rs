//! A made-up web, in which every query finds something: the same pages each time.

/// A place on the made-up web that writes about everything.
struct Site {
    domain: &'static str,
    topic: &'static str,
    /// How long ago it wrote, in days.
    age: u32,
    /// The title, in which `{}` stands for the subject.
    title: &'static str,
    text: &'static str,
}

/// A page about a query.
pub(crate) struct Page {
    pub(crate) domain: &'static str,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) age: u32,
}

const SITES: &[Site] = &[
    Site {
        domain: "encyclopedia.example",
        topic: "general",
        age: 400,
        title: "{} – Encyclopedia",
        text: "{} is a subject of this made-up encyclopedia. The first notes about {} are from 1987. Two schools disagree about its details to this day.",
    },
    Site {
        domain: "docs.example",
        topic: "general",
        age: 20,
        title: "{}: a guide",
        text: "This guide to {} begins with what you need. Then it shows {} step by step. The last chapter lists what commonly goes wrong.",
    },
    Site {
        domain: "forum.example",
        topic: "general",
        age: 5,
        title: "Questions about {}",
        text: "Somebody asks how to start with {}. The most helpful answer is to read the guide first. Others report that {} worked on their second try.",
    },
    Site {
        domain: "blog.example",
        topic: "general",
        age: 90,
        title: "What I learned about {}",
        text: "I spent a month with {}. It took less time than I feared. My advice about {} is to begin small.",
    },
    Site {
        domain: "shop.example",
        topic: "general",
        age: 1,
        title: "{} – compare and choose",
        text: "Eleven offers around {} are compared here. The cheapest is not the worst.",
    },
    Site {
        domain: "herald.example",
        topic: "news",
        age: 0,
        title: "{}: what happened today",
        text: "There is news about {} today. Witnesses speak of calm. A statement about {} is expected tomorrow.",
    },
    Site {
        domain: "courier.example",
        topic: "news",
        age: 6,
        title: "A week of {}",
        text: "The week brought {} back into the papers. Experts are divided.",
    },
    Site {
        domain: "chronicle.example",
        topic: "news",
        age: 200,
        title: "The year of {}",
        text: "Looking back, {} was everywhere. Few had expected it.",
    },
    Site {
        domain: "markets.example",
        topic: "finance",
        age: 0,
        title: "{} at the close",
        text: "{} closed little changed. Analysts of this made-up exchange expect the same of tomorrow.",
    },
    Site {
        domain: "ledger.example",
        topic: "finance",
        age: 25,
        title: "{} in numbers",
        text: "The figures on {} are in: 42, as every quarter. The outlook for {} is unchanged.",
    },
];

/// Returns the pages about a query, the most fitting first.
pub(crate) fn pages_about(query: &str, topic: &str) -> Vec<Page> {
    let on_topic = SITES.iter().filter(|site| site.topic == topic);
    on_topic.map(|site| site.page(query.trim(), &path_of(query))).collect()
}

/// Returns the page at an address; nothing off the made-up web.
pub(crate) fn page_at(url: &str) -> Option<Page> {
    let url = url::Url::parse(url).ok()?;
    let site = SITES.iter().find(|site| url.host_str() == Some(site.domain))?;
    let path = url.path().trim_matches('/');
    if path.is_empty() || path.contains('/') {
        return None;
    }
    Some(site.page(&path.replace('-', " "), path))
}

fn path_of(query: &str) -> String {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let path = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    if path.is_empty() { "page".to_owned() } else { path }
}

// === impl Site ===

impl Site {
    fn page(&self, subject: &str, path: &str) -> Page {
        Page {
            domain: self.domain,
            url: format!("https://{}/{path}", self.domain),
            title: self.title.replace("{}", subject),
            text: self.text.replace("{}", subject),
            age: self.age,
        }
    }
}

// === impl Page ===

impl Page {
    /// Returns the whole page.
    pub(crate) fn markdown(&self) -> String {
        format!("# {}\n\n{}", self.title, self.text)
    }

    /// Returns the first passages, joined as Tavily joins them.
    pub(crate) fn passages(&self, at_most: usize) -> String {
        let sentences = self.text.split_inclusive(". ").map(str::trim);
        sentences.take(at_most).collect::<Vec<_>>().join(" [...] ")
    }

    /// Returns whether it is of a domain, or of one below it.
    pub(crate) fn is_of(&self, domain: &str) -> bool {
        let below = self.domain.strip_suffix(domain);
        below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}
