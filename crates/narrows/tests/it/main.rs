//! What holds only where models and training meet.

mod resume;
