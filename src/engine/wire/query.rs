//! A question in text, and the rows that answer it.

use amm_core::probe::Row;

use super::cursor::Cursor;
use super::packet::Channel;
use super::{Result, WireError};

const QUERY: u8 = 0x03;
const OK: u8 = 0x00;
const FILE: u8 = 0xfb;
const END: u8 = 0xfe;
/// Columns that an answer may have.
const MOST_COLUMNS: u64 = 256;
/// Rows that it may have.
const MOST_ROWS: usize = 4_096;

/// An answer, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The names of the columns.
    pub(crate) columns: Vec<String>,
    /// A value for each column.
    pub(crate) rows: Vec<Row>,
}

/// Asks `sql`; what is no table has neither columns nor rows.
pub(super) fn table(channel: &mut Channel, sql: &str) -> Result<Table> {
    channel.command(QUERY, sql.as_bytes())?;
    let first = channel.receive()?;
    match first.first() {
        Some(&OK) => return Ok(Table::default()),
        Some(&FILE) => return Err(WireError::Protocol("it asks for a file")),
        _ => {}
    }
    let count = Cursor::new(&first).length()?.unwrap_or(0);
    if count > MOST_COLUMNS {
        return Err(WireError::Protocol("an answer of too many columns"));
    }
    let mut table = Table::default();
    for _ in 0..count {
        table.columns.push(column(&channel.receive()?)?);
    }
    if !is_end(&channel.receive()?) {
        return Err(WireError::Protocol("columns without an end"));
    }
    loop {
        let packet = channel.receive()?;
        if is_end(&packet) {
            return Ok(table);
        }
        if table.rows.len() == MOST_ROWS {
            return Err(WireError::TooMuch);
        }
        table.rows.push(row(&packet, count)?);
    }
}

/// The name of a column from its definition.
fn column(packet: &[u8]) -> Result<String> {
    let mut fields = Cursor::new(packet);
    // Catalogue, schema, and the table by two names.
    for _ in 0..4 {
        fields.string()?;
    }
    Ok(text(fields.string()?.unwrap_or_default()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() < 9
}

fn row(packet: &[u8], columns: u64) -> Result<Row> {
    let mut fields = Cursor::new(packet);
    let mut row = Row::new();
    for _ in 0..columns {
        let value = fields.string()?;
        row.push(value.map(text));
    }
    if fields.is_empty() {
        Ok(row)
    } else {
        Err(WireError::Protocol("a row with too many values"))
    }
}
