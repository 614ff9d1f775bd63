//! A **double** of an Amazon Aurora cluster. It is no Aurora: Aurora runs in
//! AWS alone, so nothing here shows what Aurora does, only what amm makes of
//! answers of the shape that AWS documents.
//!
//! Each instance is a server of [`crate::faulty`] that answers three kinds of
//! questions as a test has it, and refuses the application's writes where it
//! says that it is a reader. The shape of the answers, and where AWS documents
//! it:
//!
//! | answer | source |
//! | --- | --- |
//! | `innodb_read_only` is `ON` on readers, `OFF` on the writer; a write on a reader fails with "running with the --read-only option" (1290) | AWS re:Post, "Why do I get a read-only error after an Aurora MySQL-Compatible DB cluster fails over?" |
//! | `aurora_version` among the variables, `aurora_server_id` the instance's name | AWS's drivers (`aws-advanced-jdbc-wrapper`, `-python-`, `-nodejs-`, `-go-`), Aurora MySQL dialect |
//! | `information_schema.replica_host_status`: `SERVER_ID`, `SESSION_ID` = `MASTER_SESSION_ID` for the writer, `REPLICA_LAG_IN_MILLISECONDS`, `LAST_UPDATE_TIMESTAMP` | Amazon Aurora User Guide, "Aurora MySQL–specific information_schema tables" |
//! | after a failover the old writer restarts and comes back as a reader | the same re:Post article |
//! | during a failover instances disagree, and rows may be up to five minutes old | the topology query of the same drivers |
//!
//! Assumed, not documented: how long the disagreement lasts, and that it has
//! the two forms that [`Aurora`]'s tests play (a promoted instance whose table
//! names the old writer still; a table that names two).

use anyhow::Result;

use crate::faulty::{Answers, Faulty, Script, Table};

/// A row of an instance's `replica_host_status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `SERVER_ID`.
    pub id: String,
    /// Whether `SESSION_ID` is `MASTER_SESSION_ID`.
    pub writer: bool,
    /// `REPLICA_LAG_IN_MILLISECONDS`.
    pub lag_ms: u32,
    /// How long ago `LAST_UPDATE_TIMESTAMP` is, ms.
    pub age_ms: u64,
}

/// What an instance says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Says {
    /// `@@innodb_read_only`.
    pub reads: bool,
    /// Its table.
    pub topology: Vec<Row>,
}

/// The instances.
pub struct Aurora {
    ids: Vec<String>,
    servers: Vec<Faulty>,
}

impl Aurora {
    /// Starts an instance for each of `ids`; the first is the writer.
    pub fn start(ids: &[&str]) -> Result<Self> {
        let servers = ids
            .iter()
            .map(|_| Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy()))
            .collect::<Result<_>>()?;
        let aurora = Self {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            servers,
        };
        aurora.writer_is(0);
        Ok(aurora)
    }

    /// The server behind an instance, to have it fail.
    ///
    /// # Panics
    /// If there is none.
    pub fn server(&self, index: usize) -> &Faulty {
        &self.servers[index]
    }

    /// `host:port` of all instances: their endpoints.
    pub fn endpoints(&self) -> Vec<String> {
        self.servers.iter().map(Faulty::id).collect()
    }

    /// All agree that this one is the writer, and that readers are 20 ms behind.
    pub fn writer_is(&self, writer: usize) {
        let topology = self.topology(writer);
        for index in 0..self.servers.len() {
            let topology = topology.clone();
            self.says(
                index,
                Says {
                    reads: index != writer,
                    topology,
                },
            );
        }
    }

    /// The table of a healthy cluster with this writer.
    pub fn topology(&self, writer: usize) -> Vec<Row> {
        let row = |(index, id): (usize, &String)| Row {
            id: id.clone(),
            writer: index == writer,
            lag_ms: if index == writer { 0 } else { 20 },
            age_ms: 50,
        };
        self.ids.iter().enumerate().map(row).collect()
    }

    /// From the next question on the instance says this.
    pub fn says(&self, index: usize, says: Says) {
        let switch = if says.reads { "ON" } else { "OFF" };
        let variables = Table::new(
            &["Variable_name", "Value"],
            &[
                &["aurora_server_id", &self.ids[index]],
                &["aurora_version", "3.08.0"],
                &["innodb_read_only", switch],
                &["read_only", "OFF"],
                &["super_read_only", "OFF"],
            ],
        );
        let numbers: Vec<[String; 4]> = says.topology.iter().map(text).collect();
        let rows: Vec<Vec<&str>> = numbers
            .iter()
            .map(|row| row.iter().map(String::as_str).collect())
            .collect();
        let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
        let topology = Table::new(&["SERVER_ID", "writer", "lag", "age"], &rows);
        let mut answers = vec![
            ("global variables".into(), variables),
            ("replica_host_status".into(), topology),
            (
                "show grants".into(),
                Table::new(&["Grants"], &[&["GRANT USAGE ON *.* TO `probe`@`%`"]]),
            ),
        ];
        if says.reads {
            answers.push(("insert".into(), Table::refused(1290)));
        }
        self.servers[index].answer(Answers(answers));
    }
}

fn text(row: &Row) -> [String; 4] {
    [
        row.id.clone(),
        u8::from(row.writer).to_string(),
        row.lag_ms.to_string(),
        row.age_ms.to_string(),
    ]
}
