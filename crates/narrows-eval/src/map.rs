//! Maps of codes in two dimensions: by their principal components, and by t-SNE (van der Maaten 2014) started there.

use candle_core::{DType, Tensor};

use crate::one_thread::on_one_thread;
use crate::{Error, Pca, Result};

/// A point of a map.
pub type Point = [f64; 2];

/// The first two principal components of the codes; codes of size 1 lie on a line, size 2 is shown as it is.
///
/// # Shapes
/// - `codes`: `[N, K]`
///
/// # Errors
/// There are fewer than two codes of more than two dimensions, or a code is not finite.
pub fn principal(codes: &Tensor) -> Result<Vec<Point>> {
    let codes = codes.flatten_from(1)?.to_dtype(DType::F32)?;
    let width = codes.dim(1)?;
    let flat = if width > 2 {
        let pca = Pca::fit(2, &vec![1.0; width], |visit| visit(&codes))?;
        pca.encode(&codes)?
    } else {
        codes
    };
    let rows = flat.to_vec2::<f32>()?;
    if rows.iter().flatten().any(|value| !value.is_finite()) {
        return Err(Error::NotFinite { operation: "map" });
    }
    Ok(rows.iter().map(|row| [0, 1].map(|axis| f64::from(row.get(axis).copied().unwrap_or(0.0)))).collect())
}

/// Barnes-Hut t-SNE of the codes with a perplexity of 30 (less for few points), started from their principal
/// components, so that the same codes give the same map.
///
/// # Shapes
/// - `codes`: `[N, K]`
///
/// # Errors
/// There are fewer than ten codes, or they are not finite.
pub fn t_sne(codes: &Tensor) -> Result<Vec<Point>> {
    let codes = codes.flatten_from(1)?.to_dtype(DType::F32)?;
    let (rows, needed) = (codes.dim(0)?, 10);
    if rows < needed {
        return Err(Error::TooFewRows { operation: "t-SNE", rows, needed });
    }
    let start = principal(&codes)?;
    let spread = (start.iter().map(|point| point[0] * point[0]).sum::<f64>() / rows as f64).sqrt().max(1e-12);
    let start: Vec<f32> = start.iter().flatten().map(|value| (value / spread * 1e-4) as f32).collect();
    let points = codes.to_vec2::<f32>()?;
    let samples: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
    let distance = |a: &&[f32], b: &&[f32]| a.iter().zip(*b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
    let embedding = on_one_thread(|| {
        Ok(bhtsne::tSNE::<f32, &[f32], 2>::new(&samples)
            .perplexity(30f32.min((rows as f32 - 1.0) / 3.0))
            .epochs(750)
            .initial_embedding(start)
            .barnes_hut(0.5, distance)
            .embedding())
    })?;
    Ok(embedding.chunks_exact(2).map(|pair| [f64::from(pair[0]), f64::from(pair[1])]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use narrows_tensor::{Key, random};

    /// Two clusters far apart in eight dimensions.
    fn clusters() -> Tensor {
        let noise = random::normal(&Key::new(1), (60, 8), DType::F32, &Device::Cpu).unwrap();
        let side = Tensor::from_iter((0..60).map(|row| if row < 30 { -20f32 } else { 20.0 }), &Device::Cpu).unwrap();
        noise.broadcast_add(&side.reshape((60, 1)).unwrap()).unwrap()
    }

    #[test]
    fn both_maps_keep_clusters_apart() {
        for map in [principal(&clusters()).unwrap(), t_sne(&clusters()).unwrap()] {
            let mean = |rows: std::ops::Range<usize>| {
                rows.clone().fold([0.0, 0.0], |sum, row| [sum[0] + map[row][0] / 30.0, sum[1] + map[row][1] / 30.0])
            };
            let (a, b) = (mean(0..30), mean(30..60));
            let radius = (0..30).map(|row| (map[row][0] - a[0]).hypot(map[row][1] - a[1])).fold(0.0, f64::max);
            assert!((a[0] - b[0]).hypot(a[1] - b[1]) > radius, "clusters {a:?} {b:?}, radius {radius}");
        }
    }

    #[test]
    fn t_sne_is_reproducible() {
        assert_eq!(t_sne(&clusters()).unwrap(), t_sne(&clusters()).unwrap());
    }
}
