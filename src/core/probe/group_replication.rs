//! MySQL Group Replication.
//!
//! Each member lists all members with its own opinion of them. A member that
//! has lost the majority goes on answering, shows itself ONLINE and PRIMARY
//! with `super_read_only` off, and blocks every commit for ever: only counting
//! those it still reaches tells. Members that are RECOVERING vote, so they count
//! as reached; those UNREACHABLE do not.
//!
//! Members are known by their server UUID, which a member finds in
//! `@@server_uuid`.

use super::variables::Variables;
use super::{Judgement, Member, Presence, Reason, Row, View};
use crate::node::Role;

/// One row a member. Needs SELECT on the table.
pub const SQL: &str = "SELECT MEMBER_ID, MEMBER_HOST, MEMBER_PORT, MEMBER_STATE, MEMBER_ROLE \
    FROM performance_schema.replication_group_members";

/// How long ago, µs, the oldest transaction was committed elsewhere that is
/// being applied now; NULL where none is. Needs SELECT on the table.
///
/// The times are those of the member that committed it and of this one: it is
/// as right as their clocks agree.
pub const LAG_SQL: &str = "SELECT TIMESTAMPDIFF(MICROSECOND, \
    MIN(APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP), NOW(6)) \
    FROM performance_schema.replication_applier_status_by_worker \
    WHERE CHANNEL_NAME = 'group_replication_applier' AND APPLYING_TRANSACTION <> ''";

/// A row of [`SQL`].
struct Seen<'a> {
    id: &'a str,
    host: Option<&'a str>,
    port: Option<u16>,
    state: &'a str,
    role: &'a str,
}

/// Judges the rows of [`super::variables::SQL`] and those of [`SQL`], or why
/// there are none.
pub fn judge(variables: &[Row], members: Result<&[Row], Reason>) -> Judgement {
    let all = Variables(variables);
    if all.on("offline_mode") {
        return Judgement::not_writer(Role::Unready, None, Reason::OfflineMode);
    }
    let Some(own) = all.named("server_uuid") else {
        return Judgement::unintelligible();
    };
    let members = match members {
        Ok(rows) => rows.iter().filter_map(|row| seen(row)).collect::<Vec<_>>(),
        Err(reason) => return unseen(all, reason),
    };
    let mut same = members.iter().filter(|m| m.id.eq_ignore_ascii_case(own));
    let (Some(me), None) = (same.next(), same.next()) else {
        return Judgement::not_writer(Role::Unready, None, Reason::NotMember);
    };
    let reached = members.iter().filter(|m| m.is_reached()).count();
    let majority = 2 * reached > members.len();
    let single = !all.off("group_replication_single_primary_mode");
    Judgement {
        several_writers: !single,
        view: Some(View {
            authoritative: majority && me.state == "ONLINE",
            own: Some(me.id.to_owned()),
            members: members.iter().map(Seen::member).collect(),
        }),
        ..judge_member(all, me, majority, single)
    }
}

/// Judges a member by its own state, then its group's, then its role.
fn judge_member(all: Variables<'_>, me: &Seen<'_>, majority: bool, single: bool) -> Judgement {
    let unready = |reason| Judgement::not_writer(Role::Unready, None, reason);
    match me.state {
        "ONLINE" => {}
        "RECOVERING" => return unready(Reason::Recovering),
        "OFFLINE" => return unready(Reason::NotMember),
        "ERROR" => return unready(Reason::MemberError),
        "UNREACHABLE" => return unready(Reason::NoQuorum),
        _ => return Judgement::unintelligible(),
    }
    if !majority {
        return unready(Reason::NoQuorum);
    }
    match me.role {
        "PRIMARY" => {}
        "SECONDARY" => return Judgement::not_writer(Role::Reader, None, Reason::Secondary),
        _ => return Judgement::unintelligible(),
    }
    // A primary that was just elected stays read-only until it has applied
    // what the last one left.
    read_only(all).unwrap_or_else(|| Judgement::writer(single.then_some(0)))
}

/// Judges a server whose members cannot be seen: all that is certain is that
/// one that is read-only takes no writes.
fn unseen(all: Variables<'_>, reason: Reason) -> Judgement {
    let plain = all.get("group_replication_group_name").is_none();
    if plain && all.get("read_only").is_some() {
        return Judgement::not_writer(Role::Unready, None, Reason::NotMember);
    }
    read_only(all).unwrap_or(Judgement {
        reason: Some(reason),
        ..Judgement::default()
    })
}

fn read_only(all: Variables<'_>) -> Option<Judgement> {
    let reader = |reason| Some(Judgement::not_writer(Role::Reader, None, reason));
    match (all.on("super_read_only"), all.on("read_only")) {
        (true, _) => reader(Reason::SuperReadOnly),
        (_, true) => reader(Reason::ReadOnly),
        _ => None,
    }
}

/// How far a member is behind, ms, from the rows of [`LAG_SQL`].
pub fn lag_ms(rows: &[Row]) -> Option<u32> {
    match rows.first()?.as_slice() {
        // Nothing is being applied: it has all it knows of.
        [None] => Some(0),
        // A clock that is behind makes it negative.
        [Some(us)] => {
            let us: i64 = us.parse().ok()?;
            Some(u32::try_from(us.max(0) / 1_000).unwrap_or(u32::MAX))
        }
        _ => None,
    }
}

/// Reads a row. One without an id is what a server shows that is no member.
fn seen(row: &[Option<String>]) -> Option<Seen<'_>> {
    let [Some(id), host, port, Some(state), role] = row else {
        return None;
    };
    (!id.is_empty()).then(|| Seen {
        id,
        host: host.as_deref().filter(|host| !host.is_empty()),
        port: port.as_deref().and_then(|port| port.parse().ok()),
        state,
        role: role.as_deref().unwrap_or_default(),
    })
}

impl Seen<'_> {
    fn is_reached(&self) -> bool {
        matches!(self.state, "ONLINE" | "RECOVERING")
    }

    fn member(&self) -> Member {
        Member {
            name: self.id.to_owned(),
            host: self.host.map(str::to_owned),
            port: self.port.filter(|port| *port > 0),
            presence: match self.state {
                "UNREACHABLE" => Presence::Unreachable,
                _ => Presence::Present,
            },
            role: match (self.state, self.role) {
                ("ONLINE", "PRIMARY") => Some(Role::Writer),
                ("ONLINE", "SECONDARY") => Some(Role::Reader),
                ("UNREACHABLE", _) => None,
                _ => Some(Role::Unready),
            },
            lag_ms: None,
        }
    }
}

#[cfg(test)]
#[path = "group_replication_tests.rs"]
mod tests;
