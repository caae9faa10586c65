use super::world::{Account, Closed, Collaborator, Issue, PullRequest, Repository, Role, World};

/// Repositories of the organization that are there to be paged through.
const SERVICES: i64 = 40;
/// Issues that are there to be paged through.
const READINGS: i64 = 120;

/// Returns a small world with everything a client should have met before production.
pub(crate) fn world() -> World {
    let mut world =
        World { accounts: accounts(), repositories: repositories(), issues: Vec::new() };
    world.issues = issues();
    world
}

fn accounts() -> Vec<Account> {
    let account = |id, login: &str, name: &str, members: &[&str]| Account {
        id,
        login: login.to_owned(),
        name: name.to_owned(),
        members: members.iter().map(|&member| member.to_owned()).collect(),
        organization: !members.is_empty(),
    };
    vec![
        account(1001, "ada", "Ada Lovelace", &[]),
        account(1002, "grace", "Grace Hopper", &[]),
        account(1003, "alan", "Alan Turing", &[]),
        account(2001, "acme-simulated", "Acme (simulated)", &["ada", "grace"]),
    ]
}

/// Owner, name, description, language and whether it is private.
type Seed<'a> = (&'a str, &'a str, &'a str, &'a str, bool);

fn repositories() -> Vec<Repository> {
    let seeds: &[Seed<'_>] = &[
        ("ada", "analytical-engine", "Notes and programs for the engine 🚀", "Rust", false),
        ("ada", "diary", "Nobody else reads this", "", true),
        ("ada", "old-looms", "Cards of 1804 & before", "", false),
        ("grace", "moths", ODD_DESCRIPTION, "COBOL", false),
        ("alan", "enigma", "", "C", true),
        ("acme-simulated", "website", "The public website", "TypeScript", false),
        ("acme-simulated", "payroll", "Who earns what", "Go", true),
        ("acme-simulated", "telemetry", "Readings of the relays", "Python", false),
    ];
    let services: Vec<_> = (1..=SERVICES).map(|number| format!("service-{number:02}")).collect();
    let services =
        services.iter().map(|name| ("acme-simulated", name.as_str(), "A service", "Go", false));
    let all = seeds.iter().copied().chain(services);
    (0_i64..).zip(all).map(|(at, seed)| repository(at, seed)).collect()
}

const ODD_DESCRIPTION: &str = r#"She said "bug & 'feature'" if a < b > c </script>"#;

fn repository(at: i64, (owner, name, description, language, private): Seed<'_>) -> Repository {
    let full_name = format!("{owner}/{name}");
    let given = |login: &str, role| Collaborator { login: login.to_owned(), role };
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Repository {
        id: 5000 + at,
        owner: owner.to_owned(),
        name: name.to_owned(),
        description: filled(description),
        language: filled(language),
        private,
        archived: name == "old-looms",
        fork: name == "moths",
        collaborators: match full_name.as_str() {
            "acme-simulated/website" => {
                vec![given("ada", Role::Maintain), given("grace", Role::Admin)]
            }
            "acme-simulated/payroll" => vec![given("grace", Role::Admin)],
            "acme-simulated/telemetry" => vec![given("ada", Role::Admin)],
            "alan/enigma" => vec![given("ada", Role::Write)],
            "grace/moths" => vec![given("ada", Role::Triage)],
            _ => Vec::new(),
        },
        created_at: format!("2024-01-{:02}T09:00:00Z", at % 28 + 1),
        pushed_at: format!("2025-{:02}-{:02}T12:{:02}:00Z", at % 12 + 1, at % 28 + 1, at % 60),
    }
}

/// Repository, author, title, body and labels, comma-separated.
type IssueSeed = (&'static str, &'static str, &'static str, &'static str, &'static str);

const ISSUES: &[IssueSeed] = &[
    (
        "ada/analytical-engine",
        "grace",
        "Carry is lost at the 40th column",
        "Adding 1 to 999…",
        "bug",
    ),
    (
        "ada/analytical-engine",
        "ada",
        "Write down the Bernoulli program",
        LONG_BODY,
        "documentation",
    ),
    (
        "ada/analytical-engine",
        "alan",
        "Stop when it does not halt",
        "How would we know?",
        "question",
    ),
    (
        "ada/analytical-engine",
        "grace",
        "Fix the carry",
        "Closes the carry bug.",
        "bug,good first issue",
    ),
    ("ada/diary", "ada", "Burn after reading", "The secret plan for the engine", ""),
    ("grace/moths", "ada", "Moth in relay 70", "Panel F, taped into the log", "bug"),
    ("alan/enigma", "alan", "Rotor order for today", "Not to be read by others", ""),
    (
        "acme-simulated/website",
        "ada",
        "Broken link on the pricing page",
        "It leads nowhere.",
        "bug",
    ),
    ("acme-simulated/website", "grace", "New landing page", "Ready for review", ""),
    ("acme-simulated/payroll", "grace", "Wrong salary of the engine", "It works for free", "bug"),
];

const LONG_BODY: &str = "The numbers of Bernoulli, step by step, in the notation of the cards. Every \
    operation stands on a card of its own, and every card names the columns it reads and the one it \
    writes. Where a result is used again the column must be restored, which the table marks with an \
    asterisk. Please check the fourth operation twice, for it is the one that everybody gets wrong.";

fn issues() -> Vec<Issue> {
    let mut issues: Vec<_> = (1_i64..).zip(ISSUES).map(|(at, seed)| issue(at, *seed)).collect();
    let last = i64::try_from(issues.len()).unwrap_or_default();
    let readings = (1..=READINGS).map(|number| Issue {
        id: 7000 + last + number,
        repository: "acme-simulated/telemetry".to_owned(),
        number,
        title: format!("Reading {number} is off"),
        labels: vec!["reading".to_owned()],
        ..issue(last + number, ("", "ada", "", "By a volt or two", ""))
    });
    issues.extend(readings);
    issues
}

fn issue(at: i64, (repository, author, title, body, labels): IssueSeed) -> Issue {
    let day = format!("2025-{:02}-{:02}", at % 12 + 1, at % 28 + 1);
    let (pull, reason) = match title {
        "Fix the carry" => (true, None),
        "New landing page" => (true, Some(None)),
        "Moth in relay 70" => (false, Some(Some("completed"))),
        _ => (false, None),
    };
    let merged_at = reason.is_some().then(|| format!("{day}T16:00:00Z"));
    Issue {
        id: 7000 + at,
        repository: repository.to_owned(),
        number: numbered(at),
        title: title.to_owned(),
        body: body.to_owned(),
        author: author.to_owned(),
        assignees: if author == "grace" { vec!["ada".to_owned()] } else { Vec::new() },
        labels: labels.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        comments: at % 5,
        closed: reason.map(|reason| Closed {
            at: format!("{day}T16:00:00Z"),
            reason: reason.map(str::to_owned),
        }),
        pull_request: pull.then_some(PullRequest { draft: reason.is_none(), merged_at }),
        created_at: format!("{day}T08:00:00Z"),
        updated_at: format!("{day}T17:{:02}:00Z", at % 60),
    }
}

/// Returns the number within its repository, counted over the seeds before it.
fn numbered(at: i64) -> i64 {
    let index = usize::try_from(at - 1).unwrap_or_default();
    let Some((repository, ..)) = ISSUES.get(index) else { return at };
    let before = ISSUES.iter().take(index + 1).filter(|seed| seed.0 == *repository).count();
    i64::try_from(before).unwrap_or_default()
}
