//! A codebook of vectors that follow the means of what is assigned to them (van den Oord, Vinyals & Kavukcuoglu 2017,
//! appendix A.1): `n ← γ n + (1 - γ) count`, `m ← γ m + (1 - γ) sum`, `e = m / n`. An entry that nearly nothing is
//! assigned to is set to a vector of the batch (Dhariwal et al. 2020, Jukebox).

use candle_core::{D, DType, Tensor};
use narrows_core::{Result, Update};
use narrows_tensor::{Buffer, Key, Parameters, Scope, random};

/// Decay γ of the running counts and sums.
const DECAY: f64 = 0.99;
/// An entry is dead where its running count is below this share of the mean count.
const DEAD: f64 = 0.1;

/// The entries of a codebook, as buffers.
#[derive(Clone, Debug)]
pub struct Codebook {
    entries: Buffer,
    counts: Buffer,
    sums: Buffer,
    size: usize,
    width: usize,
}

/// Vectors and the entries nearest to them.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// The number of the entry, `[M]` (u32).
    pub index: Tensor,
    /// The entry, `[M, width]`, without gradient.
    pub entry: Tensor,
}

impl Codebook {
    /// `size` entries of `width` values, standard normal until [`Codebook::start`].
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn new(size: usize, width: usize, key: &Key, scope: &Scope) -> Result<Self> {
        let entries = random::normal(key, (size, width), scope.dtype(), scope.device())?;
        let counts = Tensor::ones(size, scope.dtype(), scope.device())?;
        Ok(Self {
            sums: scope.buffer("sums", &entries)?,
            entries: scope.buffer("entries", &entries)?,
            counts: scope.buffer("counts", &counts)?,
            size,
            width,
        })
    }

    /// Entries.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The nearest entry of each vector; of equally near ones the first.
    ///
    /// # Shapes
    /// - `vectors`: `[M, width]`
    ///
    /// # Errors
    /// The vectors are of another size.
    pub fn nearest(&self, vectors: &Tensor) -> Result<Nearest> {
        let vectors = vectors.detach();
        let entries = self.entries.value();
        // |v - e|² without |v|², which is the same for all entries.
        let products = vectors.matmul(&entries.t()?)?;
        let distance = (products * -2.0)?.broadcast_add(&entries.sqr()?.sum(D::Minus1)?)?;
        let index = distance.argmin(D::Minus1)?;
        Ok(Nearest { entry: entries.index_select(&index, 0)?, index })
    }

    /// How often each entry was chosen.
    ///
    /// # Shapes
    /// - `index`: `[M]` (u32)
    /// - returns: `[size]`
    ///
    /// # Errors
    /// Candle cannot count.
    pub fn counts(&self, index: &Tensor) -> Result<Tensor> {
        let (dtype, device) = (self.entries.value().dtype(), index.device());
        let ones = Tensor::ones(index.dim(0)?, dtype, device)?;
        Ok(Tensor::zeros(self.size, dtype, device)?.index_add(index, &ones, 0)?)
    }

    /// The codebook after a step in which `vectors` were assigned to the entries `index`.
    ///
    /// # Shapes
    /// - `vectors`: `[M, width]`
    /// - `index`: `[M]` (u32)
    ///
    /// # Errors
    /// Candle cannot compute the means.
    pub fn updates(&self, vectors: &Tensor, index: &Tensor, key: &Key) -> Result<Vec<Update>> {
        let vectors = vectors.detach();
        let m = vectors.dim(0)?;
        let sum = self.sums.value().zeros_like()?.index_add(index, &vectors, 0)?;
        let follow = |old: &Tensor, new: &Tensor| -> Result<Tensor> { Ok(((old * DECAY)? + (new * (1.0 - DECAY))?)?) };
        let counts = follow(self.counts.value(), &self.counts(index)?)?;
        let sums = follow(self.sums.value(), &sum)?;
        // A dead entry begins anew at a vector of the batch, with the mean count.
        let mean = m as f64 / self.size as f64;
        let dead = counts.lt(DEAD * mean)?.to_dtype(counts.dtype())?;
        let alive = dead.affine(-1.0, 1.0)?;
        let places = random::uniform(key, self.size, DType::F32, vectors.device())?.affine(m as f64, 0.0)?;
        let places = places.floor()?.clamp(0.0, (m - 1) as f64)?.to_dtype(DType::U32)?;
        let drawn = (vectors.index_select(&places, 0)? * mean)?;
        let counts = ((counts * &alive)? + (&dead * mean)?)?;
        let sums = (sums.broadcast_mul(&alive.unsqueeze(1)?)? + drawn.broadcast_mul(&dead.unsqueeze(1)?)?)?;
        let entries = sums.broadcast_div(&counts.unsqueeze(1)?)?;
        Ok(vec![Update::new(&self.entries, entries), Update::new(&self.counts, counts), Update::new(&self.sums, sums)])
    }

    /// Sets the entries to vectors evenly spaced in a batch from the place `first` on, and all counts to 1.
    ///
    /// # Shapes
    /// - `vectors`: `[M, width]`
    ///
    /// # Errors
    /// Candle cannot write a value.
    pub fn start(&self, vectors: &Tensor, first: usize, parameters: &Parameters) -> Result<()> {
        let m = vectors.dim(0)?;
        let places = (0..self.size).map(|entry| ((entry * m / self.size + first) % m) as u32);
        let places = Tensor::from_iter(places, vectors.device())?;
        let entries = vectors.detach().index_select(&places, 0)?;
        let set = |buffer: &Buffer, value: &Tensor| -> Result<()> {
            parameters.buffer(buffer.name()).map_or(Ok(()), |var| Ok(var.set(&value.copy()?)?))
        };
        set(&self.entries, &entries)?;
        set(&self.sums, &entries)?;
        set(&self.counts, &self.counts.value().ones_like()?)
    }

    /// Values of an entry.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// `exp(-Σ p log p)` of shares: how many entries a codebook uses, if it used them equally.
pub fn perplexity(counts: &[f64]) -> f64 {
    let total: f64 = counts.iter().sum();
    let entropy = |&count: &f64| if count > 0.0 { -(count / total) * (count / total).ln() } else { 0.0 };
    counts.iter().map(entropy).sum::<f64>().exp()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn codebook() -> (Codebook, Scope) {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let book = Codebook::new(3, 2, &Key::new(1), &scope).unwrap();
        let corners = Tensor::new(&[[0.0f64, 0.0], [4.0, 0.0], [0.0, 4.0]], &Device::Cpu).unwrap();
        book.start(&corners, 0, &scope.parameters()).unwrap();
        (book, scope)
    }

    #[test]
    fn vectors_go_to_the_nearest_entry() {
        let (book, _scope) = codebook();
        let vectors = Tensor::new(&[[0.1f64, 3.0], [3.0, 0.5], [-1.0, -1.0], [2.0, 0.0]], &Device::Cpu).unwrap();
        let nearest = book.nearest(&vectors).unwrap();
        assert_eq!(nearest.index.to_vec1::<u32>().unwrap(), [2, 1, 0, 0], "the first of equally near ones");
        assert_eq!(nearest.entry.to_vec2::<f64>().unwrap()[0], [0.0, 4.0]);
        assert_eq!(book.counts(&nearest.index).unwrap().to_vec1::<f64>().unwrap(), [2.0, 1.0, 1.0]);
    }

    #[test]
    fn entries_follow_the_means_and_dead_ones_begin_anew() {
        let (book, scope) = codebook();
        let vectors = Tensor::new(&[[1.0f64, 0.0], [5.0, 0.0]], &Device::Cpu).unwrap();
        let parameters = scope.parameters();
        for step in 0..2_000 {
            let nearest = book.nearest(&vectors).unwrap();
            for update in book.updates(&vectors, &nearest.index, &Key::new(2).fold(step)).unwrap() {
                parameters.buffer(&update.name).unwrap().set(&update.value).unwrap();
            }
        }
        let mut firsts: Vec<f64> =
            book.entries.value().to_vec2::<f64>().unwrap().iter().map(|entry| entry[0]).collect();
        firsts.sort_by(f64::total_cmp);
        assert!((firsts[0] - 1.0).abs() < 0.05 && (firsts[2] - 5.0).abs() < 0.05, "{firsts:?}");
        assert!(book.entries.value().to_vec2::<f64>().unwrap().iter().all(|entry| entry[1].abs() < 0.1));
    }

    #[test]
    fn perplexity_counts_equally_used_entries() {
        assert!((perplexity(&[5.0, 5.0, 0.0, 5.0]) - 3.0).abs() < 1e-12);
        assert!((perplexity(&[7.0, 0.0]) - 1.0).abs() < 1e-12);
    }
}
