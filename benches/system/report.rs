//! The table, and where it is kept.

use std::fmt::Write as _;
use std::path::Path;

/// What was measured so far.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    details: Vec<String>,
}

/// One measurement beside its baseline.
pub(crate) struct Row {
    pub(crate) what: &'static str,
    pub(crate) ours: String,
    pub(crate) baseline: String,
    pub(crate) ratio: f64,
    /// `None` where it is only told.
    pub(crate) target: Option<Bound>,
}

/// What a ratio is to be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    /// Adds a row, and says it at once: a run takes minutes.
    pub(crate) fn add(&mut self, row: Row) {
        println!(
            "{}: {} against {}: {:.2}",
            row.what, row.ours, row.baseline, row.ratio
        );
        self.rows.push(row);
    }

    /// Adds a line to the pages of lists, which stand below.
    pub(crate) fn detail(&mut self, line: String) {
        println!("{line}");
        self.details.push(line);
    }

    /// The tables, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = "| what | ours | baseline | ratio | target | met |\n".to_owned();
        table.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for Row {
            what,
            ours,
            baseline,
            ratio,
            target,
        } in &self.rows
        {
            let (target, met) = match *target {
                None => ("–".to_owned(), "–"),
                Some(Bound::AtLeast(least)) => (format!("≥ {least}"), yes_or_no(*ratio >= least)),
                Some(Bound::AtMost(most)) => (format!("≤ {most}"), yes_or_no(*ratio <= most)),
            };
            let _ = writeln!(
                table,
                "| {what} | {ours} | {baseline} | {ratio:.2} | {target} | {met} |"
            );
        }
        if !self.details.is_empty() {
            table.push_str(
                "\n| store | page of time entries | entries | at 1,000,000 | at 10,000 | ratio |\n",
            );
            table.push_str("| --- | --- | --- | --- | --- | --- |\n");
            for line in &self.details {
                table.push_str(line);
                table.push('\n');
            }
        }
        table
    }
}

fn yes_or_no(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}

/// Of an odd number of rounds, the middle one.
pub(crate) fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

const BEGIN: &str = "<!-- written by benches/run -->\n";
const END: &str = "<!-- end -->";

/// Puts the table, the machine and the parts' times into `docs/BENCHMARKS.md`.
pub(crate) fn keep(table: &str, machine: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/BENCHMARKS.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the marker that begins it");
    let (_, after) = rest.split_once(END).expect("the marker that ends it");
    let parts = parts();
    let text = format!("{before}{BEGIN}\n{machine}\n{table}\n{parts}\n{END}{after}");
    std::fs::write(&file, text).unwrap();
    println!("{}", file.display());
}

/// What `benches/parts.rs` found, if it ran before: criterion keeps its estimates.
fn parts() -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../criterion");
    let mut lines: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let read = std::fs::read(entry.path().join("new/estimates.json")).ok()?;
            let estimates: serde_json::Value = serde_json::from_slice(&read).ok()?;
            let nanos = estimates["median"]["point_estimate"].as_f64()?;
            Some(format!(
                "| {} | {:.2} µs |\n",
                entry.file_name().display(),
                nanos / 1e3
            ))
        })
        .collect();
    lines.sort();
    format!("| part | median |\n| --- | --- |\n{}", lines.concat())
}
