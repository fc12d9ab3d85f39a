//! Networks, bottlenecks, likelihoods and the catalogue of autoencoder variants.
