//! Arrow IPC: the file format with its footer, and the stream that can be read while it is written.

use arrow::ipc::writer::{FileWriter, StreamWriter};

use super::Sink;
use super::columnar::Batches;
use super::output::Output;
use crate::atomic::wrapped_error;
use crate::{Block, Result, Schema};

macro_rules! ipc_sink {
    ($name:ident, $writer:ident, $doc:literal) => {
        #[doc = $doc]
        pub(super) struct $name {
            path: std::path::PathBuf,
            batches: Batches,
            writer: $writer<Output>,
        }

        impl $name {
            pub(super) fn new(output: Output, schema: &Schema, prefix: &str) -> Result<Self> {
                let (path, batches) = (output.path().to_owned(), Batches::new(schema, prefix));
                let writer = $writer::try_new(output, &batches.schema).map_err(|error| wrapped_error(&path, error))?;
                Ok(Self { path, batches, writer })
            }
        }

        impl Sink for $name {
            fn write(&mut self, block: &Block) -> Result<()> {
                let batch = self.batches.batch(&self.path, block)?;
                self.writer.write(&batch).map_err(|error| wrapped_error(&self.path, error))
            }

            fn finish(self: Box<Self>) -> Result<()> {
                let output = self.writer.into_inner().map_err(|error| wrapped_error(&self.path, error))?;
                output.commit()
            }
        }
    };
}

ipc_sink!(FileSink, FileWriter, "An Arrow IPC file.");
ipc_sink!(StreamSink, StreamWriter, "An Arrow IPC stream.");
