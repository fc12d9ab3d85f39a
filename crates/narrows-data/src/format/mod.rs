//! Readers for arrays, images and tensors: each checks its header against the file before it allocates anything, then
//! reads block by block.

pub mod folder;
pub mod idx;
pub mod npy;
pub mod npz;
pub mod picture;
pub mod safetensors;

mod element;
pub(crate) mod idx_directory;
mod interner;
mod labels;
mod npy_header;
pub(crate) mod storage;
mod strided;

pub(crate) use element::{Element, Endian};
pub(crate) use interner::Interner;
