use csv::{Terminator, Writer, WriterBuilder};
use domain::fault::{Code, Fault};

/// A table as text: CSV (RFC 4180) in UTF-8, with the mark by which spreadsheets know that. What is written in a cell stays text:
/// a spreadsheet computes nothing of it.
pub struct Table(Writer<Vec<u8>>);

impl Table {
    /// How it is called in `Content-Type`.
    pub const KIND: &str = "text/csv; charset=utf-8";

    /// With the names of its columns.
    ///
    /// # Errors
    /// [`NoTable`].
    pub fn new(columns: &[&str]) -> Result<Self, NoTable> {
        let text = WriterBuilder::new().terminator(Terminator::CRLF).from_writer("\u{FEFF}".into());
        let mut table = Self(text);
        table.add(columns.iter().copied())?;
        Ok(table)
    }

    /// One more row, of as many cells as there are columns.
    ///
    /// # Errors
    /// [`NoTable`], of more or fewer.
    pub fn add(
        &mut self,
        cells: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<(), NoTable> {
        let cells = cells.into_iter().map(|cell| harmless(cell.into()));
        self.0.write_record(cells).map_err(|_| NoTable)
    }

    /// All of it.
    ///
    /// # Errors
    /// [`NoTable`].
    pub fn text(self) -> Result<String, NoTable> {
        let bytes = self.0.into_inner().map_err(|_| NoTable)?;
        String::from_utf8(bytes).map_err(|_| NoTable)
    }
}

/// What begins as a formula does is made text by a quote before it (OWASP, *CSV injection*): in both widths, as Korean keyboards
/// have them. A number stays one, below zero too.
fn harmless(cell: String) -> String {
    let is_number = cell.parse::<i64>().is_ok() && !cell.starts_with('+');
    if !is_number
        && cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
    {
        return format!("'{cell}");
    }
    cell
}

/// A row that does not fit its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row does not fit its table")]
pub struct NoTable;

impl Fault for NoTable {
    fn code(&self) -> Code {
        domain::codes::INTERNAL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_spreadsheet_reads_it_as_utf_8_and_computes_nothing() {
        let mut table = Table::new(&["nickname", "won"]).unwrap();
        for row in [
            ["무대, \"위\"의 사람", "30000"],
            ["=HYPERLINK(\"http://x\")", "-30000"],
            ["+82", "+1"],
            ["-1+1", "-"],
            ["@SUM(A1)", "\t=1"],
            ["\r=1", "＝1"],
            ["a=1\nb", ""],
        ] {
            table.add(row).unwrap();
        }
        let text = table.text().unwrap();
        let right = [
            "\u{FEFF}nickname,won",
            "\"무대, \"\"위\"\"의 사람\",30000",
            "\"'=HYPERLINK(\"\"http://x\"\")\",-30000",
            "'+82,'+1",
            "'-1+1,'-",
            "'@SUM(A1),'\t=1",
            "\"'\r=1\",'＝1",
            "\"a=1\nb\",",
            "",
        ];
        assert_eq!(text, right.join("\r\n"));
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let mut table = Table::new(&["one", "other"]).unwrap();
        assert_eq!(table.add(["1"]), Err(NoTable));
    }

    proptest! {
        #[test]
        fn whatever_a_cell_says_it_is_read_again_and_begins_no_formula(cells in prop::collection::vec(".*", 3)) {
            let mut table = Table::new(&["a", "b", "c"]).unwrap();
            table.add(cells.clone()).unwrap();
            let text = table.text().unwrap();
            let text = text.strip_prefix('\u{FEFF}').unwrap();
            let mut read = csv::Reader::from_reader(text.as_bytes());
            let row = read.records().next().unwrap().unwrap();
            for (cell, said) in row.iter().zip(&cells) {
                let quoted = format!("'{said}");
                prop_assert!(cell == said || cell == quoted);
                let is_number = cell.parse::<i64>().is_ok();
                prop_assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            }
        }
    }
}
