//! `cargo xtask new-variant`: the file of a new variant, its line in the catalogue and an example configuration.
//!
//! The new file is a working autoencoder, so that the conformance suite runs from the first minute; what makes the
//! variant is then written into it.

use clap::Args;

use crate::process::{cargo, run as execute};
use crate::{Result, repository};

const CATALOGUE: &str = "crates/narrows-models/src/catalog.rs";
const MODULES: &str = "crates/narrows-models/src/variants/mod.rs";

/// What to start.
#[derive(Args, Debug)]
pub struct Options {
    /// The name on the command line and in configurations, e.g. `beta-vae`
    #[arg(value_name = "NAME")]
    name: String,
}

/// Writes the files.
///
/// # Errors
///
/// When the name is taken or cannot be a name, or the catalogue does not look as expected.
pub fn run(options: &Options) -> Result {
    let name = Name::new(&options.name)?;
    let variant = format!("crates/narrows-models/src/variants/{}.rs", name.module());
    let config = format!("examples/configs/{}.toml", name.0);
    if let Some(taken) = [&variant, &config].into_iter().find(|path| repository::root().join(path).exists()) {
        return Err(format!("{taken} exists already: choose another name").into());
    }
    let catalogue = with_line(&repository::read(CATALOGUE)?, &name)?;
    let modules = with_module(&repository::read(MODULES)?, &name);
    repository::write(&variant, &filled(include_str!("variant.rs.template"), &name))?;
    repository::write(&config, &filled(include_str!("config.toml.template"), &name))?;
    repository::write(MODULES, &modules)?;
    repository::write(CATALOGUE, &catalogue)?;
    execute(&mut cargo(&["fmt", "--package", "narrows-models"]))?;
    for path in [&variant, &config, &MODULES.to_owned(), &CATALOGUE.to_owned()] {
        println!("{path}");
    }
    println!("next: write paper, formula and mathematics into {variant}");
    println!("      add its golden case to xtask/golden/models.py and run `cargo xtask golden models`");
    println!("      then `cargo test --package narrows-models`, whose suite covers the new variant already");
    Ok(())
}

/// A variant's name in kebab case.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name(String);

impl Name {
    fn new(name: &str) -> Result<Self> {
        let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if name.split('-').all(word) && name.starts_with(|c: char| c.is_ascii_lowercase()) {
            Ok(Self(name.to_owned()))
        } else {
            Err(format!("`{name}` cannot be a variant's name: expected lower-case words with hyphens, e.g. beta-vae")
                .into())
        }
    }

    /// `beta_vae`.
    fn module(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `BetaVae`.
    fn type_name(&self) -> String {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.0.split('-').map(capital).collect()
    }
}

fn filled(template: &str, name: &Name) -> String {
    template.replace("{name}", &name.0).replace("{Type}", &name.type_name())
}

/// The catalogue with one more line, and the import that it needs.
fn with_line(catalogue: &str, name: &Name) -> Result<String> {
    let import = "use crate::variants::{";
    let list = "\ncatalogue! {\n";
    let (start, end) = catalogue
        .find(list)
        .and_then(|at| Some((at, at + catalogue[at..].find("\n}")?)))
        .filter(|_| catalogue.contains(import))
        .ok_or_else(|| format!("{CATALOGUE}: expected `{import}...}}` and a list `catalogue! {{ ... }}`"))?;
    let line = format!("    {} = \"{}\",", name.type_name(), name.0);
    if catalogue[start..end].contains(&format!("\"{}\"", name.0)) {
        return Err(format!("{CATALOGUE}: `{}` is listed already", name.0).into());
    }
    let with_line = format!("{}\n{line}{}", &catalogue[..end], &catalogue[end..]);
    Ok(with_line.replacen(import, &format!("{import}{}::{}, ", name.module(), name.type_name()), 1))
}

/// The list of modules with one more, in order.
fn with_module(modules: &str, name: &Name) -> String {
    let (mut declarations, mut rest): (Vec<&str>, Vec<&str>) =
        modules.lines().partition(|line| line.starts_with("pub mod "));
    let declaration = format!("pub mod {};", name.module());
    declarations.push(&declaration);
    declarations.sort_unstable();
    while rest.last().is_some_and(|line| line.is_empty()) {
        rest.pop();
    }
    format!("{}\n\n{}\n", rest.join("\n"), declarations.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kebab_case() {
        let name = Name::new("beta-vae2").unwrap();
        assert_eq!((name.module().as_str(), name.type_name().as_str()), ("beta_vae2", "BetaVae2"));
        for bad in ["", "Beta", "beta_vae", "2d", "beta--vae", "../x"] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_catalogue_gets_one_line_and_its_import() {
        let name = Name::new("beta-vae").unwrap();
        let old = "use crate::variants::{ae::Ae};\n\ncatalogue! {\n    Ae = \"ae\",\n}\n\nfn f() {\n}\n";
        let new = with_line(old, &name).unwrap();
        assert!(new.contains("use crate::variants::{beta_vae::BetaVae, ae::Ae};"));
        assert!(new.contains("    Ae = \"ae\",\n    BetaVae = \"beta-vae\",\n}\n\nfn f()"));
        assert!(with_line(&new, &name).unwrap_err().to_string().contains("listed already"));
        assert!(with_line("fn main() {}", &name).is_err());
    }

    #[test]
    fn modules_stay_in_order() {
        let new = with_module("//! Variants.\n\npub mod ae;\npub mod conv_ae;\n", &Name::new("beta-vae").unwrap());
        assert_eq!(new, "//! Variants.\n\npub mod ae;\npub mod beta_vae;\npub mod conv_ae;\n");
    }

    #[test]
    fn the_real_catalogue_can_take_a_line() {
        let catalogue = repository::read(CATALOGUE).unwrap();
        assert!(with_line(&catalogue, &Name::new("some-new-variant").unwrap()).is_ok());
    }
}
