//! Whether this machine has what training needs: processor, memory, places to write to, datasets.

use std::path::{Path, PathBuf};

use narrows_data::catalog;
use serde::Serialize;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// Version of Narrows.
    pub version: &'static str,
    /// Processor architecture and operating system.
    pub platform: String,
    /// Vector instructions that the fast kernels look for.
    pub instructions: Vec<Instructions>,
    /// Threads that computations use.
    pub threads: usize,
    /// Bytes of memory, where the system tells.
    pub memory: Option<Memory>,
    /// Where datasets are kept.
    pub data: Place,
    /// Where large intermediate files go.
    pub temporary: Place,
    /// Catalogued datasets that can be opened here.
    pub datasets: Vec<&'static str>,
}

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instructions {
    /// Its name.
    pub name: &'static str,
    /// Whether the processor has it.
    pub present: bool,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// In the machine.
    pub total: u64,
    /// Free for new programs.
    pub available: u64,
}

/// A directory and whether files can be made there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The directory.
    pub path: PathBuf,
    /// Whether it is there already.
    pub exists: bool,
    /// Why nothing can be written there.
    pub problem: Option<String>,
}

impl Checkup {
    /// Looks at the machine. Nothing is left behind.
    pub fn new(data_dir: Option<&Path>, threads: usize) -> Self {
        let data = match catalog::data_directory(data_dir) {
            Ok(path) => Place::check(path),
            Err(error) => Place { path: PathBuf::new(), exists: false, problem: Some(error.to_string()) },
        };
        let present = catalog::datasets().filter(|dataset| catalog::is_present(dataset, &data.path));
        Self {
            version: env!("CARGO_PKG_VERSION"),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            instructions: instructions(),
            threads,
            memory: std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory(&text)),
            datasets: present.map(|dataset| dataset.name).collect(),
            data,
            temporary: Place::check(std::env::temp_dir()),
        }
    }

    /// Whether nothing stands in the way.
    pub fn is_well(&self) -> bool {
        self.data.problem.is_none() && self.temporary.problem.is_none()
    }
}

impl Place {
    /// Makes and removes a file in `path`, or where it does not exist in the nearest directory above that does.
    fn check(path: PathBuf) -> Self {
        let absolute = std::path::absolute(&path).unwrap_or_else(|_| path.clone());
        let there = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
        let problem = match tempfile::tempfile_in(there) {
            Ok(_) => None,
            Err(error) => Some(format!("cannot write in {}: {error}", there.display())),
        };
        Self { exists: absolute.exists(), path, problem }
    }
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> Vec<Instructions> {
    let of = |name, present| Instructions { name, present };
    vec![
        of("AVX2", is_x86_feature_detected!("avx2")),
        of("FMA", is_x86_feature_detected!("fma")),
        of("AVX-512F", is_x86_feature_detected!("avx512f")),
        of("AVX-512DQ", is_x86_feature_detected!("avx512dq")),
        of("AVX-512BW", is_x86_feature_detected!("avx512bw")),
        of("AVX-512VL", is_x86_feature_detected!("avx512vl")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn instructions() -> Vec<Instructions> {
    vec![Instructions { name: "NEON", present: std::arch::is_aarch64_feature_detected!("neon") }]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn instructions() -> Vec<Instructions> {
    Vec::new()
}

/// Reads what Linux writes as `MemTotal:  32768 kB`.
fn memory(text: &str) -> Option<Memory> {
    let bytes = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
    };
    Some(Memory { total: bytes("MemTotal")?, available: bytes("MemAvailable")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_what_linux_writes() {
        let text = "MemTotal:       24607708 kB\nMemFree: 1 kB\nMemAvailable:   21340000 kB\n";
        assert_eq!(memory(text), Some(Memory { total: 24_607_708 << 10, available: 21_340_000 << 10 }));
        assert_eq!(memory("nothing"), None);
    }

    #[test]
    fn a_data_directory_below_a_file_cannot_be_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let checkup = Checkup::new(Some(&file.path().join("data")), 1);
        assert!(!checkup.is_well() && checkup.data.problem.is_some());
        assert_eq!(checkup.datasets, ["digits"]);
        let directory = tempfile::tempdir().unwrap();
        let checkup = Checkup::new(Some(&directory.path().join("not/yet")), 1);
        assert!(checkup.is_well() && !checkup.data.exists, "{checkup:?}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
