//! The host names of Aurora's instances.
//!
//! Aurora's list of members has bare server ids. The name of an instance is its
//! id and a suffix that belongs to the account and region, as in
//!
//! ```text
//! shop-1.abcdefghijkl.eu-west-1.rds.amazonaws.com               an instance
//! shop.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com         its cluster's writer
//! shop.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com      its readers
//! ```
//!
//! so it is taken from a configured node's host, and else from a pattern of the
//! form `*.suffix`, for those who put names of their own in front. It never
//! comes from the database.
//!
//! <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Endpoints.html>

use super::hosts::HostPattern;

/// Ends of Amazon's own names.
const DOMAINS: [&str; 2] = [".rds.amazonaws.com", ".rds.amazonaws.com.cn"];

/// What marks the endpoints that are no instance but lead to some; longer ones
/// first.
const ENDPOINTS: [&str; 4] = ["cluster-custom-", "cluster-ro-", "cluster-", "proxy-"];

/// Whether the host leads to whichever instance has a role, and so now to one
/// and now to another.
#[must_use]
pub fn is_endpoint(host: &str) -> bool {
    parts(host).is_some_and(|(_, endpoint)| endpoint)
}

/// The suffixes that may make a host of a server's id, the likeliest first.
#[must_use]
pub fn suffixes<'a>(
    configured: impl Iterator<Item = &'a str>,
    patterns: &[HostPattern],
) -> Vec<String> {
    let mut suffixes: Vec<String> = Vec::new();
    let own = configured.filter_map(|host| parts(host).map(|(suffix, _)| suffix.to_owned()));
    for suffix in own.chain(patterns.iter().filter_map(HostPattern::suffix)) {
        if !suffixes.contains(&suffix) {
            suffixes.push(suffix);
        }
    }
    suffixes
}

/// The suffix of a host of Amazon's, and whether it is an endpoint.
fn parts(host: &str) -> Option<(&str, bool)> {
    let (_, rest) = host.split_once('.')?;
    if !DOMAINS.iter().any(|domain| rest.ends_with(domain)) {
        return None;
    }
    match ENDPOINTS.iter().find_map(|mark| rest.strip_prefix(mark)) {
        Some(suffix) => Some((suffix, true)),
        None => Some((rest, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUFFIX: &str = "abcdefghijkl.eu-west-1.rds.amazonaws.com";

    #[test]
    fn any_name_of_amazons_shows_the_suffix() {
        for (host, endpoint) in [
            (format!("shop-1.{SUFFIX}"), false),
            (format!("shop.cluster-{SUFFIX}"), true),
            (format!("shop.cluster-ro-{SUFFIX}"), true),
            (format!("batch.cluster-custom-{SUFFIX}"), true),
            (format!("shop.proxy-{SUFFIX}"), true),
        ] {
            assert_eq!(
                suffixes([host.as_str()].into_iter(), &[]),
                [SUFFIX],
                "{host}"
            );
            assert_eq!(is_endpoint(&host), endpoint, "{host}");
        }
    }

    #[test]
    fn names_of_ones_own_need_a_pattern() {
        let patterns: Vec<HostPattern> = [
            "*.db.example.com",
            "db-*.example.com",
            "*.x.*.com",
            "10.0.0.0/8",
        ]
        .iter()
        .filter_map(|p| HostPattern::try_new(p))
        .collect();
        let hosts = ["db1.example.com", "10.0.0.1", "shop-1", ""];
        assert_eq!(suffixes(hosts.into_iter(), &patterns), ["db.example.com"]);
        assert!(!is_endpoint("shop.cluster-abc.example.com"));
    }
}
