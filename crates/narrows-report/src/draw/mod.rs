//! Drawing: figures become shapes, texts and tables; the templates only place them.

pub(crate) mod axis;
pub(crate) mod chart;
pub(crate) mod code_map;
pub(crate) mod columns;
pub(crate) mod comparison;
pub(crate) mod examples;
pub(crate) mod histogram;
pub(crate) mod number;
pub(crate) mod picture;
pub(crate) mod scores;
pub(crate) mod training;
