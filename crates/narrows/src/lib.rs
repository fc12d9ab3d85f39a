//! Autoencoders from a file to a trained, evaluated and reported model.
