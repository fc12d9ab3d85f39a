//! Writes pages with example figures to look at: `cargo run -p narrows-report --example pages -- DIRECTORY`.

#[path = "../tests/it/sample.rs"]
mod sample;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).ok_or("expected a directory to write to")?);
    std::fs::create_dir_all(&directory)?;
    let reports = [sample::pictures(), sample::rows(), sample::windows()];
    for (name, page) in [
        ("pictures", narrows_report::render(&reports[0])?),
        ("rows", narrows_report::render(&reports[1])?),
        ("windows", narrows_report::render(&reports[2])?),
        ("several", narrows_report::render_many(&reports)?),
    ] {
        let path = directory.join(name).with_extension("html");
        std::fs::write(&path, page)?;
        println!("{}", path.display());
    }
    Ok(())
}
