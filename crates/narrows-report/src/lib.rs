//! One self-contained HTML page from the figures of a run.
