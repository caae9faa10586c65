use astralform_domain::Endpoints;

use super::*;

mod keys;
mod mappings;

const ICON: (&str, &[u8]) = ("icon.svg", b"<svg/>");
const SETUP: (&str, &[u8]) = ("setup.md", b"Make an app.");

const BASE: &str = "\
slug: acme
name: Acme
category: Tests
type: oauth
summary: A connector that exists for tests.
oauth:
  authorize_url: https://acme.example/authorize
  token_url: https://acme.example/token
  scopes:
    - name: items:read
      label: See items
      default: true
    - name: items:write
      label: Change items
api:
  base_url: https://api.acme.example/v1
identity:
  url: /me
  account: '{id: .id, label: .name}'
revocation:
  style: rfc7009
  url: https://acme.example/revoke
setup:
  console_url: https://acme.example/apps
tools:
  - name: acme_get_item
    title: Get an item
    description: Gets one item of the account by the id that the list of items gives.
    input:
      type: object
      additionalProperties: false
      required: [id]
      properties:
        id: {type: string}
    output: {type: object}
    annotations: {read_only: true, idempotent: true}
    scopes: [items:read]
    request:
      method: GET
      path: /items/{id}
      query: '{verbose: true}'
    result: '{id, name}'
";

/// One fault: what of [`BASE`] is replaced by what, and what is said of it.
struct Case {
    replace: (&'static str, &'static str),
    /// The line that is pointed at, by its beginning.
    at: &'static str,
    message: &'static str,
    fix: &'static str,
}

fn edited(edits: &[(&str, &str)]) -> String {
    edits.iter().fold(BASE.to_owned(), |yaml, (from, to)| {
        assert!(yaml.contains(from), "{from:?} is not in the base");
        yaml.replacen(from, to, 1)
    })
}

/// Loads a folder called `acme` with this connector file and all else it needs.
fn load_acme(file: &[u8]) -> (Catalog, Vec<Diagnostic>) {
    load([Folder { name: "acme", files: &[("connector.yaml", file), ICON, SETUP] }])
}

fn faults(file: impl AsRef<[u8]>) -> Vec<Diagnostic> {
    let (catalog, faults) = load_acme(file.as_ref());
    assert_eq!(catalog.connectors().count(), usize::from(faults.is_empty()));
    faults
}

/// Returns the line at which a fault is said to be.
fn line_of<'a>(yaml: &'a str, fault: &Diagnostic) -> &'a str {
    yaml.lines().nth(fault.line - 1).unwrap_or_default().trim_start()
}

fn assert_each_is_the_only_fault(cases: &[Case]) {
    for Case { replace, at, message, fix } in cases {
        let yaml = edited(&[*replace]);
        let found = faults(&yaml);
        let [fault] = found.as_slice() else {
            panic!("{replace:?} is one fault, not {found:#?}");
        };
        assert_eq!(fault.file, "acme/connector.yaml", "{replace:?}");
        assert!(fault.message.contains(message), "{replace:?}: {fault}");
        assert!(fault.fix.contains(fix), "{replace:?}: {fault}");
        let line = line_of(&yaml, fault);
        assert!(line.starts_with(at), "{replace:?} is said to be at {line:?}: {fault}");
    }
}

fn slug(text: &str) -> ConnectorSlug {
    text.parse().unwrap()
}

#[test]
fn the_builtin_catalogue_has_no_faults() {
    let (catalog, faults) = load(crate::builtin().iter().copied());
    assert_eq!(faults, []);
    assert_eq!(catalog.connectors().count(), crate::builtin().len());
    assert!(catalog.connector(&slug("slack")).is_some());
}

#[test]
fn a_good_folder_gives_a_connector_and_its_tools() {
    let (catalog, faults) = load_acme(BASE.as_bytes());
    assert_eq!(faults, []);
    let connector = catalog.connector(&slug("acme")).unwrap();
    assert_eq!(connector.default_scopes(), ["items:read"].into_iter().collect());
    let (owner, tool) = catalog.tool("acme_get_item").unwrap();
    assert_eq!((owner.slug.as_str(), tool.title.as_str()), ("acme", "Get an item"));
    assert!(catalog.tool("acme_put_item").is_none());
}

#[test]
fn a_later_folder_takes_the_place_of_an_earlier_one_whole() {
    let ours = edited(&[("name: Acme", "name: Our Acme"), ("acme_get_item", "acme_find_item")]);
    let folders = [BASE, &ours].map(|yaml| [("connector.yaml", yaml.as_bytes()), ICON, SETUP]);
    let (catalog, faults) =
        load(folders.iter().map(|files| Folder { name: "acme", files: files.as_slice() }));
    assert_eq!(faults, []);
    assert_eq!(catalog.connectors().count(), 1);
    assert_eq!(catalog.connector(&slug("acme")).unwrap().name, "Our Acme");
    assert!(catalog.tool("acme_find_item").is_some());
    assert!(catalog.tool("acme_get_item").is_none(), "it went with its connector");
}

#[test]
fn a_broken_folder_is_reported_while_the_others_load() {
    let broken = edited(&[("category: Tests\n", "")]);
    let other = edited(&[("slug: acme", "slug: other"), ("acme_get_item", "other_get_item")]);
    let folders = [("acme", BASE), ("acme", broken.as_str()), ("other", other.as_str())]
        .map(|(name, yaml)| (name, [("connector.yaml", yaml.as_bytes()), ICON, SETUP]));
    let (catalog, faults) =
        load(folders.iter().map(|(name, files)| Folder { name, files: files.as_slice() }));
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(catalog.tool("acme_get_item").is_some(), "the earlier one stays");
    assert!(catalog.tool("other_get_item").is_some());
}

#[test]
fn a_fault_of_form_is_told_with_its_line_and_its_fix() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: ("setup:\n", "icon: x\nsetup:\n"),
            at: "icon:",
            message: "`icon` is not known here",
            fix: "use one of:",
        },
        Case {
            replace: ("query:", "querry:"),
            at: "querry:",
            message: "`querry` is not known here",
            fix: "did you mean `query`?",
        },
        Case {
            replace: ("category: Tests\n", ""),
            at: "slug:",
            message: "`category` is missing",
            fix: "add `category:`",
        },
        Case {
            replace: ("    title: Get an item\n", ""),
            at: "- name: acme_get_item",
            message: "`title` is missing",
            fix: "add `title:`",
        },
        Case {
            replace: ("{id, name}", "{id, name"),
            at: "result:",
            message: "expected a closing brace",
            fix: "correct the expression",
        },
        Case {
            replace: ("https://api.acme", "ftp://api.acme"),
            at: "base_url:",
            message: "not an address that can be used",
            fix: "https://",
        },
        Case {
            replace: ("url: /me", "url: me"),
            at: "url: me",
            message: "neither an address nor a path",
            fix: "starts with `/`",
        },
        Case {
            replace: ("method: GET", "method: GOT"),
            at: "method:",
            message: "this word is not known here",
            fix: "\"GET\",\"POST\"",
        },
    ]);
}

#[test]
fn a_value_of_the_wrong_type_is_told_with_its_line() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: ("name: Acme", "name: 7"),
            at: "name:",
            message: "`name` is a number",
            fix: "string",
        },
        Case {
            replace: ("scopes: [items:read]", "scopes: items:read"),
            at: "scopes: items:read",
            message: "`scopes` is a text",
            fix: "array",
        },
    ]);
}

#[test]
fn a_fault_of_meaning_is_told_with_its_line_and_its_fix() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: ("name: acme_get_item", "name: get_item"),
            at: "- name: get_item",
            message: "does not say whose tool it is",
            fix: "`acme_`",
        },
        Case {
            replace: ("[items:read]", "[items:read, items:delete]"),
            at: "scopes:",
            message: "`items:delete` is not declared",
            fix: "`oauth.scopes`",
        },
        Case {
            replace: ("      required: [id]\n", ""),
            at: "path:",
            message: "`{id}` is not a required argument",
            fix: "`input.required`",
        },
        Case {
            replace: (
                "    result: '{id, name}'\n",
                "    result: '{id, name}'\n    log:\n      id: id\n      note: length\n",
            ),
            at: "note:",
            message: "there is no such argument",
            fix: "`input.properties`",
        },
        Case {
            replace: ("      additionalProperties: false\n", ""),
            at: "input:",
            message: "unknown arguments would pass",
            fix: "`additionalProperties: false`",
        },
        Case {
            replace: ("items:write", "items:read"),
            at: "- name: items:read",
            message: "listed twice",
            fix: "remove one",
        },
        Case {
            replace: ("read_only: true", "read_only: true, destructive: true"),
            at: "annotations:",
            message: "read_only and destructive contradict",
            fix: "correct one of the two",
        },
    ]);
}

#[test]
fn more_requests_of_a_tool_are_checked_like_the_first() {
    const RESULT: &str = "    result: '{id, name}'\n";
    let with = |also: &str| edited(&[(RESULT, &format!("{RESULT}    also: {also}\n"))]);
    assert_eq!(faults(with("{notes: {method: GET, path: '/items/{id}/notes'}}")), []);
    for (also, message) in [
        ("{notes: {method: GET, path: '/notes/{note}'}}", "`{note}` is not a required argument"),
        ("{notes: {method: GET, path: '/notes/..'}}", "the path is not well formed"),
        ("{notes: {method: GET, path: '/notes', query: '{'}}", ""),
        ("{Notes: {method: GET, path: '/notes'}}", "a name in `also`"),
        (
            "{a: &r {method: GET, path: /a}, b: *r, c: *r, d: *r, e: *r}",
            "`also` has too many members: 5",
        ),
    ] {
        let found = faults(with(also));
        let [fault] = found.as_slice() else {
            panic!("{also} is one fault, not {found:#?}");
        };
        assert!(fault.message.contains(message), "{also}: {fault}");
    }
    let also = "{notes: {method: GET, path: /notes}}";
    let changing = edited(&[
        (RESULT, &format!("{RESULT}    also: {also}\n")),
        ("read_only: true", "read_only: false"),
    ]);
    let found = faults(&changing);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("for tools that change nothing"), "{}", found[0]);
}

#[test]
fn f27_headers_that_frame_a_request_or_are_for_one_connection_are_refused() {
    for name in [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "Keep-Alive",
        "Cookie",
        "Expect",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Proxy-Authorization",
        "Proxy-Anything",
    ] {
        let fixed = format!("api:\n  headers: {{{name}: x}}\n");
        let filled = format!(
            "api:\n  credential: {{headers: {{Authorization: 'Bearer {{token}}', {name}: x}}}}\n"
        );
        for headers in [fixed, filled] {
            let found = faults(edited(&[("api:\n", &headers)]));
            assert_eq!(found.len(), 1, "{headers}: {found:?}");
            assert_eq!(found[0].message, "a connector does not set this header", "{headers}");
        }
    }
    let usual = "api:\n  headers: {Accept: text/plain, X-Version: '2', Prefer: x}\n";
    assert_eq!(faults(edited(&[("api:\n", usual)])), []);
}

#[test]
fn f27_a_path_does_not_begin_with_two_slashes() {
    for (from, to) in [
        ("path: /items/{id}", "path: //evil.example/{id}"),
        ("url: /me", "url: //evil.example/me"),
        ("url: https://acme.example/revoke", "url: //evil.example/revoke"),
    ] {
        let found = faults(edited(&[(from, to)]));
        assert_eq!(found.len(), 1, "{to}: {found:?}");
    }
}

#[test]
fn a_slug_is_the_name_of_its_folder() {
    let files = [("connector.yaml", BASE.as_bytes()), ICON, SETUP];
    let (catalog, faults) = load([Folder { name: "acne", files: &files }]);
    assert_eq!(catalog.connectors().count(), 0);
    assert_eq!(faults[0].file, "acne/connector.yaml");
    assert_eq!(faults[0].message, "the slug is not the folder's name");
    assert!(faults[0].fix.contains("`slug: acne`"));
}

#[test]
fn two_tools_of_one_name_are_refused_at_the_second() {
    let tool = &BASE[BASE.find("  - name: acme_get_item").unwrap()..];
    let yaml = format!("{BASE}{tool}");
    let found = faults(&yaml);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message, "the name is taken");
    assert_eq!(found[0].line, BASE.lines().count() + 1);
}

#[test]
fn every_fault_of_a_file_is_reported_at_once() {
    let form = faults(edited(&[
        ("category: Tests\n", ""),
        ("summary", "sumary"),
        ("method: GET", "method: GOT"),
        ("{id, name}", "{id, name"),
    ]));
    let places: Vec<_> = form.iter().map(|fault| fault.line).collect();
    assert_eq!(form.len(), 5, "the summary is both unknown and missing: {form:#?}");
    assert!(places.is_sorted(), "in the order of the file: {places:?}");

    let meaning = faults(edited(&[
        ("[items:read]", "[items:delete]"),
        ("      additionalProperties: false\n", ""),
        ("items:write", "items:read"),
        ("name: acme_get_item", "name: get_item"),
    ]));
    assert_eq!(meaning.len(), 4, "{meaning:#?}");
}

#[test]
fn an_icon_and_a_setup_page_are_wanted() {
    let folder = [("connector.yaml", BASE.as_bytes()), ("setup.md", b"".as_slice())];
    let (catalog, faults) = load([Folder { name: "acme", files: &folder }]);
    assert_eq!(catalog.connectors().count(), 0);
    let told: Vec<_> =
        faults.iter().map(|fault| (fault.file.as_str(), fault.message.as_str())).collect();
    let message = "the file is missing or empty";
    assert_eq!(told, [("acme/icon.svg", message), ("acme/setup.md", message)]);
}

#[test]
fn a_folder_without_a_connector_file_is_a_fault() {
    let (_, faults) = load([Folder { name: "acme", files: &[ICON, SETUP] }]);
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].to_string().lines().next(), {
        Some("acme/connector.yaml:1:1: the file is missing")
    });
}

#[test]
fn what_is_not_a_text_is_refused() {
    let found = faults([BASE.as_bytes(), b"# \xFF\n"].concat());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].line, found[0].message.as_str()), (1, "the file is not UTF-8"));
}

#[test]
fn broken_yaml_is_refused_with_the_place_and_the_reason_of_the_parser() {
    let yaml = edited(&[("  url: /me", "\turl: /me")]);
    let found = faults(&yaml);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(line_of(&yaml, &found[0]), "url: /me");
    assert!(found[0].message.contains("tabs"), "{}", found[0]);
    assert!(found[0].fix.contains("correct the YAML"));
}

#[test]
fn a_file_has_256_kib_at_most() {
    let padded = |length: usize| format!("{BASE}#{}", "x".repeat(length - BASE.len() - 1));
    assert_eq!(faults(padded(256 * 1024)), []);
    let found = faults(padded(256 * 1024 + 1));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].message, "the file is over 256 KiB");
}

#[test]
fn an_alias_bomb_is_defused() {
    let levels = (1..12).map(|level| {
        let below = vec![format!("*a{}", level - 1); 10].join(",");
        format!("a{level}: &a{level} [{below}]\n")
    });
    let bomb: String = levels.collect();
    let found = faults(format!("{BASE}a0: &a0 [x]\n{bomb}"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].message.contains("alias"), "{}", found[0]);
}

#[test]
fn brackets_without_end_are_refused() {
    for open in ["[", "{a: "] {
        let yaml = format!("{BASE}x: {}", open.repeat(50_000));
        let found = faults(&yaml);
        assert_eq!(found.len(), 1);
        assert!(line_of(&yaml, &found[0]).starts_with("x:"), "{}", found[0]);
    }
}

#[test]
fn lists_in_lists_without_end_are_refused() {
    assert_eq!(faults(format!("{}x", "- ".repeat(100_000))).len(), 1);
    let indented: Vec<_> = (0..700).map(|level| format!("{}a:", " ".repeat(level))).collect();
    assert_eq!(faults(indented.join("\n")).len(), 1);
}

#[test]
fn a_fault_in_an_optional_part_is_told_as_well() {
    assert_each_is_the_only_fault(&[
        Case {
            replace: ("'{verbose: true}'", "'{verbose: true'"),
            at: "query:",
            message: "expected a closing brace",
            fix: "correct the expression",
        },
        Case {
            replace: ("https://acme.example/revoke", "ftp://acme.example/revoke"),
            at: "url:",
            message: "neither an address nor a path",
            fix: "https://",
        },
        Case {
            replace: ("  style: rfc7009\n", ""),
            at: "revocation:",
            message: "`style` is missing",
            fix: "add `style:`",
        },
        Case {
            replace: ("      default: true\n", "      implies: [items:write, items:read]\n"),
            at: "implies:",
            message: "imply one another",
            fix: "less than the scope itself",
        },
        Case {
            replace: ("https://acme.example/revoke", "/{client_id}/revoke/{token}"),
            at: "url:",
            message: "cannot be filled in",
            fix: "`{client_id}`",
        },
        Case {
            replace: ("https://acme.example/revoke", "/revoke?app={client_id}"),
            at: "url:",
            message: "cannot be filled in",
            fix: "in the path",
        },
        Case {
            replace: ("type: oauth", "type: oath"),
            at: "type:",
            message: "this word is not known here",
            fix: "oauth",
        },
        Case {
            replace: ("style: rfc7009", "style: rfc7008"),
            at: "style:",
            message: "this word is not known here",
            fix: "rfc7009",
        },
    ]);
}

#[test]
fn a_fault_in_a_schema_or_a_kind_of_error_is_told_with_its_line() {
    for (replace, at) in [
        (("output: {type: object}", "output: {type: objekt}"), "output:"),
        (("setup:\n", "errors: {kinds: {not_fuond: [a]}}\nsetup:\n"), "errors:"),
    ] {
        let yaml = edited(&[replace]);
        let found = faults(&yaml);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(line_of(&yaml, &found[0]).starts_with(at), "{}", found[0]);
    }
}

#[test]
fn a_path_is_well_formed_and_stays_below_the_base() {
    for path in ["/items/{id", "/items/id}", "/../items/{id}", "/items/{id}/%2e%2E/x"] {
        let found = faults(edited(&[("/items/{id}", path)]));
        assert_eq!(found.len(), 1, "{path}");
        assert!(found[0].message.contains("path"), "{}", found[0]);
    }
}

#[test]
fn a_catalogue_is_known_by_what_is_in_its_files_whatever_their_order() {
    let one = |files: &[(&str, &[u8])]| {
        let (catalog, faults) = load([Folder { name: "acme", files }]);
        assert!(faults.is_empty(), "{faults:?}");
        catalog.fingerprint()
    };
    let yaml: (&str, &[u8]) = ("connector.yaml", BASE.as_bytes());
    let known = one(&[yaml, ICON, SETUP]);
    assert_eq!(one(&[SETUP, yaml, ICON]), known);
    assert_ne!(one(&[yaml, ICON, ("setup.md", b"Make another app.")]), known);
    let edited = edited(&[("Get an item", "Get one item")]);
    assert_ne!(one(&[("connector.yaml", edited.as_bytes()), ICON, SETUP]), known);
    assert_ne!(Catalog::default().fingerprint(), known);
    let overridden = load([
        Folder { name: "acme", files: &[("connector.yaml", edited.as_bytes()), ICON, SETUP] },
        Folder { name: "acme", files: &[yaml, ICON, SETUP] },
    ]);
    assert_eq!(overridden.0.fingerprint(), known, "what is overridden is not served");
}
