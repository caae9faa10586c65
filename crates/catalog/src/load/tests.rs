use super::*;

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


#[test]
fn probe() {
    let bomb = {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..12 { let below = vec![format!("*a{}", level - 1); 10].join(","); bomb.push_str(&format!("a{level}: &a{level} [{below}]\n")); }
        bomb
    };
    let mut bomb2 = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..5 { let below = vec![format!("*a{}", level - 1); 10].join(","); bomb2.push_str(&format!("a{level}: &a{level} [{below}]\n")); }
    let only = BASE.replace("tools:\n", "errors: {kinds: {not_fuond: [a]}}\ntools:\n");
    let which = std::env::var("WHICH").unwrap();
    let cases: Vec<(&str, String)> = vec![("bomb", bomb), ("bomb2", bomb2), ("only", only),
      ("tag", BASE.replace("name: Acme", "name: !!str Acme")),
      ("merge", BASE.replace("  url: /me", "  <<: {url: /me}")),
      ("anchor", BASE.replace("name: Acme", "name: &n Acme").replace("category: Tests", "category: *n")),
      ("unknownalias", BASE.replace("name: Acme", "name: *n")),
      ("tab", BASE.replace("  url: /me", "\turl: /me")),
      ("deepflow", format!("{BASE}x: {}", "[".repeat(120_000))),
      ("deepflow2", format!("{BASE}x: {}{}", "[".repeat(100_000), "]".repeat(100_000))),
      ("deepmap", format!("{BASE}x: {}", "{a: ".repeat(50_000))),
      ("deepblock", format!("x:\n {}a", "- ".repeat(100_000))),
      ("deepblock2", format!("{}a", "- ".repeat(2_000))),
      ("jqdeep", BASE.replace("'{id, name}'", &format!("'{}{}'", "[".repeat(100_000), "]".repeat(100_000)))),
      ("nan", BASE.replace("{id: {type: string}}", "{type: string}").replace("id: {type: string}", "id: {type: number, maximum: .inf}")),
      ("crlf", BASE.replace('\n', "\r\n")),
      ("bom", format!("\u{feff}{BASE}")),
      ("badref", BASE.replace("id: {type: string}", "id: {$ref: 'https://evil.example/x'}")),
      ("badpattern", BASE.replace("id: {type: string}", "id: {type: string, pattern: '(a'}")),
    ];
    for (name, yaml) in cases {
        if which != "all" && which != name { continue }
        let t = std::time::Instant::now();
        let files: [(&str, &[u8]); 3] = [("connector.yaml", yaml.as_bytes()), ("icon.svg", b"<svg/>"), ("setup.md", b"x")];
        let (_, d) = load([Folder { name: "acme", files: &files }]);
        eprintln!("--- {name} {} {:?}", yaml.len(), t.elapsed());
        for d in d.into_iter().take(5) { eprintln!("{}", d.to_string().chars().take(400).collect::<String>()); }
    }
}
