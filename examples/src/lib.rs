//! One lesson a file.
