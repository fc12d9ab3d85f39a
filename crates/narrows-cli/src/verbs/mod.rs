//! One file for each verb: its options, and what it does with the facade.

pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod data;
pub(crate) mod decode;
pub(crate) mod demo;
pub(crate) mod denoise;
pub(crate) mod describe;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod encode;
pub(crate) mod evaluate;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod models;
pub(crate) mod reconstruct;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod train;

use narrows::Model;
use narrows::narrows_models::Kind;

use crate::arguments::{Arguments, Verb};
use crate::exit::Outcome;

/// The result of a verb.
pub(crate) type Result<T = Outcome> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Says of a model that is not made to reconstruct what its reconstructions are.
fn warn_of_reconstruction(model: &Model) {
    let config = &model.document.config.model;
    if config.about().kind == Kind::OneClass {
        tracing::warn!(
            "`{}` draws the codes of all samples to one centre and keeps little to reconstruct them from; train another \
             model, such as `ae` or `dae`, for reconstructions",
            config.name()
        );
    }
}

/// Carries out what the command line asks for.
pub(crate) fn run(arguments: &Arguments) -> Result {
    let shared = &arguments.shared;
    if let Some(threads) = shared.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?;
    }
    match &arguments.verb {
        Verb::Demo(verb) => verb.run(shared),
        Verb::Train(verb) => verb.run(shared),
        Verb::Evaluate(verb) => verb.run(shared),
        Verb::Encode(verb) => verb.run(shared),
        Verb::Decode(verb) => verb.run(shared),
        Verb::Reconstruct(verb) => verb.run(shared),
        Verb::Detect(verb) => verb.run(shared),
        Verb::Denoise(verb) => verb.run(shared),
        Verb::Generate(verb) => verb.run(shared),
        Verb::Compare(verb) => verb.run(shared),
        Verb::Report(verb) => verb.run(shared),
        Verb::Models(verb) => verb.run(shared),
        Verb::Describe(verb) => verb.run(shared),
        Verb::Init(verb) => verb.run(),
        Verb::Data(verb) => verb.run(shared),
        Verb::Inspect(verb) => verb.run(shared),
        Verb::Doctor(verb) => verb.run(shared),
        Verb::Schema(verb) => verb.run(),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    }
}
