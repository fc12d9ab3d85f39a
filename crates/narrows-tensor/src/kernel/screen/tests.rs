//! The largest sums beside those of the exact layer.

use super::super::sparse::dot;
use super::*;

/// A layer whose sums lie close together, so that rounding to bf16 changes their order.
fn check(change: impl Fn(&mut [f32], &mut [f32], &mut [f32])) {
    check_of(Size { rows: 9, columns: 700, depth: 131 }, 11, change);
}

/// As [`check`], for a layer of another size and so many latents.
fn check_of(size: Size, k: usize, change: impl Fn(&mut [f32], &mut [f32], &mut [f32])) {
    let Size { rows, columns, depth } = size;
    let draw = |name: &str, len: usize| {
        let mut values = vec![0.0; len];
        crate::random::fill_normal(&crate::Key::new(1).named(name), &mut values);
        values
    };
    let (mut x, mut weight, mut bias) = (draw("x", rows * depth), draw("w", columns * depth), draw("b", columns));
    change(&mut x, &mut weight, &mut bias);
    let layer = Layer { size, x: &x, weight: &weight, bias: &bias };
    let (values, places) = layer.largest(k);
    for row in 0..rows {
        let exact = |column: usize| dot(&x[row * depth..][..depth], &weight[column * depth..][..depth]) + bias[column];
        let key = |column: u32| if exact(column as usize).is_nan() { f32::INFINITY } else { exact(column as usize) };
        let mut order: Vec<u32> = (0..columns as u32).collect();
        order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
        order.truncate(k);
        order.sort_unstable();
        // Without bf16 products the sums are rounded in another order.
        if gemm::pairs_available() {
            assert_eq!(places[row * k..][..k], order);
        }
        for (value, &place) in values[row * k..].iter().zip(&places[row * k..][..k]) {
            let exact = exact(place as usize);
            assert!((value - exact).abs() < 1e-4 || value.to_bits() == exact.to_bits(), "{value} is not {exact}");
        }
    }
}

#[test]
fn the_largest_are_those_of_the_exact_layer() {
    check(|_, _, _| {});
}

#[test]
fn sums_that_rounding_swaps_are_told_apart() {
    check(|_, weight, _| {
        let first = weight[..131].to_vec();
        for (column, row) in weight.chunks_exact_mut(131).enumerate() {
            row.iter_mut().zip(&first).for_each(|(w, f)| *w = f + 1e-4 * *w + 1e-5 * column as f32);
        }
    });
}

#[test]
fn columns_of_other_lengths_have_margins_of_their_own() {
    check(|x, weight, bias| {
        let (first, common) = (x[..131].to_vec(), weight[..131].to_vec());
        for row in x.chunks_exact_mut(131) {
            row.iter_mut().zip(&first).for_each(|(x, f)| *x = f + 1e-3 * *x);
        }
        for (column, row) in weight.chunks_exact_mut(131).enumerate() {
            let (near, length) = if column % 2 == 0 { (0.0, 1e-4) } else { (1.0, 1e-2) };
            row.iter_mut().zip(&common).for_each(|(w, c)| *w = near * c + length * *w);
        }
        // The short ones lie where the sixth of the long ones does, so that their margins draw the line.
        let mut sums: Vec<f32> = weight.chunks_exact(131).skip(1).step_by(2).map(|w| dot(&first, w)).collect();
        sums.sort_by(|a, b| b.total_cmp(a));
        bias.fill(0.0);
        bias.iter_mut().step_by(2).for_each(|b| *b = sums[5]);
    });
}

#[test]
fn of_equal_columns_the_first_are_taken() {
    check(|_, weight, bias| {
        let (first, rest) = weight.split_at_mut(100 * 131);
        rest.chunks_exact_mut(first.len()).for_each(|copy| copy.copy_from_slice(first));
        bias.fill(0.5);
    });
}

#[test]
fn sums_of_tiny_numbers_are_told_apart() {
    check(|x, weight, bias| {
        for x in x {
            *x *= 1e-22;
        }
        // Numbers of eight bits: rounding changes only x.
        for w in weight {
            *w = f32::from_bits(w.to_bits() & 0xFFFF_0000);
        }
        bias.fill(0.0);
    });
}

#[test]
fn numbers_beyond_the_range_are_seen() {
    check(|x, weight, _| {
        (x[3], x[140], weight[200]) = (f32::NAN, 1e38, f32::MAX);
        weight[4 * 131] = f32::INFINITY;
    });
}

#[test]
fn sums_that_only_rounding_makes_infinite_are_told_apart() {
    check(|x, weight, _| {
        x.iter_mut().skip(5).step_by(131).for_each(|x| *x = 0.0);
        for column in [2, 30, 31, 300] {
            weight[column * 131 + 5] = f32::MAX;
        }
    });
}

#[test]
fn wide_layers_and_deep_ones_give_the_exact_ones_too() {
    check_of(Size { rows: 150, columns: 4000, depth: 70 }, 11, |_, _, _| {});
    check_of(Size { rows: 3, columns: 1001, depth: 4500 }, 11, |_, _, _| {});
    for (rows, columns, k) in [(1, 32, 1), (3, 64, 2), (5, 65, 2), (2, 3200, 1), (7, 3200, 100)] {
        check_of(Size { rows, columns, depth: 64 }, k, |_, _, _| {});
    }
}

#[test]
fn sums_near_the_end_of_the_range_are_told_apart() {
    check(|x, weight, bias| {
        x.fill(1.0);
        weight.fill(-f32::MAX / 131.0);
        for (column, weight) in weight.chunks_exact_mut(131).enumerate() {
            weight[column % 131] *= 1.0 - 1e-3 * (column % 100) as f32;
        }
        bias.fill(0.0);
    });
}

/// The columns of `check_of`'s widest layer that a sample takes, for a change of their weights.
#[cfg(target_arch = "x86_64")]
fn sampled(columns: usize) -> impl Iterator<Item = usize> {
    let count = sample::count(columns, 11);
    (0..count).map(move |index| sample::column(index, count, columns))
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_sample_that_promises_too_much_is_found_out() {
    let size = Size { rows: 9, columns: 4000, depth: 70 };
    check_of(size, 11, |_, weight, _| {
        for column in sampled(size.columns) {
            weight[column * size.depth..][..size.depth].iter_mut().for_each(|w| *w *= 3.0);
        }
    });
}

#[cfg(target_arch = "x86_64")]
#[test]
fn so_is_one_that_promises_too_much_for_a_single_row() {
    let size = Size { rows: 150, columns: 4000, depth: 70 };
    check_of(size, 11, |x, weight, _| {
        for (row, x) in x.chunks_exact_mut(size.depth).enumerate() {
            x[0] = if row == 77 { 9.0 } else { 0.0 };
        }
        for column in sampled(size.columns) {
            weight[column * size.depth] = 9.0;
        }
    });
}
