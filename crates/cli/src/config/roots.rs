use anyhow::Context as _;
use astralform_egress::ExtraRoots;

/// Reads the authorities to trust, each written `HOST,HOST=FILE`.
pub(crate) fn extra_roots(named: &[String]) -> anyhow::Result<ExtraRoots> {
    let mut roots = ExtraRoots::default();
    for text in named.iter().filter(|text| !text.trim().is_empty()) {
        let (hosts, file) = text.split_once('=').with_context(|| {
            format!(
                "extra_roots: `{text}` is not HOST=FILE; name the hosts that the authority counts \
                 for, `,` between two, such as login.corp.example,api.corp.example=/etc/ssl/corp.pem"
            )
        })?;
        let pem = std::fs::read(file.trim());
        let pem = pem.with_context(|| format!("extra_roots: {file} cannot be read"))?;
        let added = roots.add(hosts.split(','), &pem);
        added.with_context(|| format!("extra_roots: {text}"))?;
    }
    Ok(roots)
}
