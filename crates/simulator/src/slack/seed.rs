use super::messages::{Author, Message};
use super::workspace::{Conversation, ConversationKind, Person, Workspace};

const ADA: &str = "U0SIMADA01";
const GRACE: &str = "U0SIMGRACE";
const ALAN: &str = "U0SIMALAN1";
const EVERYONE: &[&str] = &[ADA, GRACE, ALAN];
const FOUNDED: i64 = 1_700_000_000;
const DAY: i64 = 86_400;

/// Id, name, topic and members of a conversation.
type Seed = (&'static str, &'static str, &'static str, &'static [&'static str]);

const PUBLIC_CHANNELS: &[Seed] = &[
    ("C0SIMGENRL", "general", "Company-wide matters", EVERYONE),
    ("C0SIMRANDO", "random", "Non-work banter", EVERYONE),
    ("C0SIMENGIN", "engineering", "Ship it", &[ADA, ALAN]),
    ("C0SIMDESIG", "design", "", &[GRACE]),
    ("C0SIMSUPPO", "support", "Answer within a day", &[GRACE, ADA]),
    ("C0SIMMARKE", "marketing", "Launch: spring", &[GRACE, ALAN]),
    ("C0SIMODDTO", "odd-topics", ODD_TOPIC, EVERYONE),
    ("C0SIMJAPAN", "東京", "日本語のチャンネル", &[GRACE]),
    ("C0SIMOLDPR", "old-project", "Finished in 2023", &[ADA]),
];
const PRIVATE_CHANNELS: &[Seed] = &[
    ("C0SIMLEADS", "leads", "Roadmap", &[ADA, GRACE]),
    ("C0SIMPAYRO", "payroll", "Confidential", &[ALAN]),
    ("C0SIMINCID", "incident-7", "Resolved", &[ADA, ALAN]),
];
const GROUP_MESSAGES: &[Seed] =
    &[("G0SIMTRIO1", "mpdm-ada--grace--alan-1", "Group messaging", EVERYONE)];
const DIRECT_MESSAGES: &[Seed] =
    &[("D0SIMADAGR", "", "", &[ADA, GRACE]), ("D0SIMADAAL", "", "", &[ADA, ALAN])];
const ARCHIVED: &[&str] = &["old-project", "incident-7"];
const ODD_TOPIC: &str = r#"She said "ship & 'sail'" if a < b > c 🚀 </script>"#;

/// Returns a workspace with everything a client should have met before production.
pub(crate) fn workspace() -> Workspace {
    Workspace {
        id: String::from("T0SIMACME1"),
        name: String::from("Acme (simulated)"),
        domain: String::from("acme-simulated"),
        people: vec![
            person(ADA, "ada", "Ada Lovelace"),
            person(GRACE, "grace", "Grace Hopper"),
            person(ALAN, "alan", "Alan Turing"),
        ],
        conversations: conversations(),
    }
}

/// Returns what was said before the simulator started, oldest first.
pub(crate) fn messages() -> Vec<Message> {
    let said = [
        ("C0SIMGENRL", ADA, "Welcome to the simulated Acme. Nothing leaves this machine."),
        ("C0SIMGENRL", GRACE, "The quarterly report is due on Friday."),
        ("C0SIMENGIN", ALAN, "Deploy of the billing service is done :rocket:"),
        ("C0SIMENGIN", ADA, "Is 3 &lt; 5 &amp;&amp; 5 &gt; 3? The tests say yes."),
        (
            "C0SIMSUPPO",
            GRACE,
            "Customer asks where to find the report: <https://example.com/report>",
        ),
        ("C0SIMRANDO", ALAN, "Who left a moth in the relay?"),
        ("C0SIMLEADS", ADA, "Draft of the secret roadmap, please keep the report private."),
        ("D0SIMADAGR", GRACE, "Could you review my report before Friday?"),
    ];
    let message = |(index, (channel, user, text)): (i64, (&str, &str, &str))| Message {
        channel: channel.to_owned(),
        ts: format!("{}.{:06}", FOUNDED + index * DAY, 100 + index),
        thread_ts: None,
        author: Author { user: user.to_owned(), bot_id: None, app_id: None },
        text: text.to_owned(),
    };
    (0_i64..).zip(said).map(message).collect()
}

fn conversations() -> Vec<Conversation> {
    let kinds = [
        (ConversationKind::PublicChannel, PUBLIC_CHANNELS),
        (ConversationKind::PrivateChannel, PRIVATE_CHANNELS),
        (ConversationKind::Mpim, GROUP_MESSAGES),
        (ConversationKind::Im, DIRECT_MESSAGES),
    ];
    let of_kind = |(kind, seeds): (_, &[Seed])| {
        seeds.iter().map(|seed| conversation(kind, seed)).collect::<Vec<_>>()
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn conversation(kind: ConversationKind, &(id, name, topic, members): &Seed) -> Conversation {
    let general = name == "general";
    let former = (name == "engineering").then(|| String::from("dev"));
    Conversation {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
        topic: topic.to_owned(),
        purpose: String::from(if general { "For announcements to everyone." } else { "" }),
        archived: ARCHIVED.contains(&name),
        general,
        members: members.iter().map(|&member| member.to_owned()).collect(),
        previous_names: former.into_iter().collect(),
        created: FOUNDED,
    }
}

fn person(id: &str, handle: &str, real_name: &str) -> Person {
    Person { id: id.to_owned(), handle: handle.to_owned(), real_name: real_name.to_owned() }
}
