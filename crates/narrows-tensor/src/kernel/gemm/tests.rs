//! Products on every kernel beside naive loops.

use proptest::prelude::*;

use super::*;

/// Sums into a matrix.
struct Plain<'a>(Shared<'a, f32>, usize);

impl Target for Plain<'_> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, _: bool) {
        for (i, sums) in sums.iter().enumerate() {
            // SAFETY: tiles do not overlap.
            let into = unsafe { self.0.part((row + i) * self.1 + column, columns) };
            for (into, sum) in into.iter_mut().zip(sums) {
                *into = if first { *sum } else { *into + sum };
            }
        }
    }
}

/// A matrix that has to be packed number by number, as patches of images have.
struct Hidden<'a>(Matrix<'a>);

impl Operand for Hidden<'_> {
    fn depth_contiguous(&self) -> bool {
        self.0.depth_contiguous()
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        self.0.copy_rows(row, from, into);
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        self.0.fill_depth_major(row, rows, from, width, into);
    }
}

fn normal(name: &str, len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    crate::random::fill_normal(&crate::Key::new(1).named(name), &mut values);
    values
}

/// The kernels of f32 that can run here.
fn kernels() -> impl Iterator<Item = Kernel> {
    let mut kernels = vec![Kernel::Vector];
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    kernels.extend(amx::available().then_some(Kernel::Matrix));
    kernels.into_iter()
}

fn check(size: Size, left_rows: bool, right_rows: bool) {
    let Size { rows, columns, depth } = size;
    let draw =
        |len: usize, salt: usize| -> Vec<f32> { (0..len).map(|i| ((i * 7919 + salt) % 17) as f32 - 8.0).collect() };
    let (a, b) = (draw(rows * depth, 1), draw(columns * depth, 2));
    let left = if left_rows { Matrix::rows(&a, depth) } else { Matrix::columns(&a, rows) };
    let right = if right_rows { Matrix::rows(&b, depth) } else { Matrix::columns(&b, columns) };
    let outs = kernels().filter(|_| depth > 0).flat_map(|kernel| {
        let mut outs = [(); 2].map(|()| vec![f32::NAN; rows * columns]);
        run(kernel, size, &left, &right, &Plain(Shared::new(&mut outs[0]), columns));
        run(kernel, size, &Hidden(left), &Hidden(right), &Plain(Shared::new(&mut outs[1]), columns));
        outs
    });
    let mut best = vec![f32::NAN; rows * columns];
    product(size, &left, &right, &Plain(Shared::new(&mut best), columns));
    let outs: Vec<_> = outs.chain([best]).collect();
    for i in 0..rows {
        for j in 0..columns {
            let sum: f32 = (0..depth)
                .map(|k| {
                    let a = if left_rows { a[i * depth + k] } else { a[k * rows + i] };
                    a * if right_rows { b[j * depth + k] } else { b[k * columns + j] }
                })
                .sum();
            for out in &outs {
                assert_eq!(out[i * columns + j], sum, "{size:?} {left_rows} {right_rows} at {i}, {j}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn products_equal_the_naive_loop(
        rows in 1usize..70, columns in 1usize..80, depth in 0usize..90, left: bool, right: bool,
    ) {
        check(Size { rows, columns, depth }, left, right);
    }
}

/// Products of pairs of small whole numbers, on each kernel that there is.
#[cfg(target_arch = "x86_64")]
fn check_pairs(size: Size) {
    let Size { rows, columns, depth } = size;
    let draw = |len: usize, salt: usize| -> Vec<[f32; 2]> {
        (0..len).map(|i| [0, 5].map(|shift| ((i * 7919 + salt + shift) % 17) as f32 - 8.0)).collect()
    };
    let pack = |pairs: &[[f32; 2]]| -> Vec<f32> {
        pairs.iter().map(|[a, b]| f32::from_bits(a.to_bits() >> 16 | b.to_bits())).collect()
    };
    let (a, b) = (draw(rows * depth, 1), draw(columns * depth, 2));
    let (left, right) = (pack(&a), pack(&b));
    let mut kernels = vec![];
    kernels.extend(tile::pairs().then_some(Kernel::Pairs));
    #[cfg(target_os = "linux")]
    kernels.extend(amx::available().then_some(Kernel::MatrixPairs));
    for kernel in kernels {
        let mut out = vec![f32::NAN; rows * columns];
        let (left, right) = (Matrix::rows(&left, depth), Matrix::rows(&right, depth));
        run(kernel, size, &left, &right, &Plain(Shared::new(&mut out), columns));
        for (index, out) in out.into_iter().enumerate() {
            let (a, b) = (&a[index / columns * depth..][..depth], &b[index % columns * depth..][..depth]);
            let sum: f32 = a.iter().zip(b).map(|(a, b)| a[0] * b[0] + a[1] * b[1]).sum();
            assert_eq!(out, sum, "{kernel:?} {size:?} at {index}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn products_of_pairs_equal_the_naive_loop() {
    // Left-over numbers of an earlier product must not count.
    drop(std::array::from_fn::<_, 4, _>(|_| {
        let mut scratch = Scratch::new(200_000);
        scratch.fill(f32::NAN);
        scratch
    }));
    for (rows, columns, depth) in
        [(1, 1, 1), (3, 33, 16), (32, 32, 17), (45, 70, 67), (17, 40, 530), (200, 70, 100), (3, 5, 2100), (3200, 40, 3)]
    {
        check_pairs(Size { rows, columns, depth });
    }
}

#[test]
fn deep_and_tall_products_are_summed_block_by_block() {
    check(Size { rows: 3, columns: 5, depth: 4500 }, true, true);
    check(Size { rows: 3, columns: 33, depth: 4500 }, false, false);
    check(Size { rows: 1500, columns: 35, depth: 1100 }, true, false);
    check(Size { rows: 1500, columns: 3, depth: 2100 }, false, true);
}

#[test]
fn wide_products_pack_each_panel_where_it_is_multiplied() {
    let columns = ENOUGH * threads() * COLUMNS + 17;
    check(Size { rows: 45, columns, depth: 1100 }, true, true);
    check(Size { rows: 3, columns, depth: 70 }, false, false);
    #[cfg(target_arch = "x86_64")]
    check_pairs(Size { rows: 45, columns, depth: 67 });
}

#[test]
fn packed_operands_give_the_bits_of_products() {
    for (rows, columns, depth) in [(200, 330, 1300), (20, 70, 1300), (130, 200, 513)] {
        let size = Size { rows, columns, depth };
        let (a, b) = (normal("a", rows * depth), normal("b", columns * depth));
        let right = Matrix::rows(&b, depth);
        let [mut whole, mut shared] = [(); 2].map(|()| vec![f32::NAN; rows * columns]);
        product(size, &Matrix::rows(&a, depth), &right, &Plain(Shared::new(&mut whole), columns));
        let packed = Packed::all(&[(size, right)]);
        for share in [0..rows / 3, rows / 3..rows] {
            let left = &a[share.start * depth..share.end * depth];
            packed[0].multiply(share, left, &Plain(Shared::new(&mut shared), columns));
        }
        assert!(whole == shared, "{size:?}");
    }
}

/// `left rightᵀ`.
fn multiplied(kernel: Kernel, size: Size, left: &impl Operand, right: &impl Operand) -> Vec<f32> {
    let mut out = vec![0.0; size.rows * size.columns];
    run(kernel, size, left, right, &Plain(Shared::new(&mut out), size.columns));
    out
}

/// A change of a normal number at a row and depth.
type Change = fn(f32, usize, usize) -> f32;

/// Numbers for the left and the right side that one scale for a row does not fit by itself.
const UNLIKE: [(&str, Change, Change); 10] = [
    ("normal", |x, _, _| x, |x, _, _| x),
    (
        "columns of a table in units of their own, and weights that undo them",
        |x, _, depth| x * 10_f32.powi((depth * 7919 % 9) as i32 - 3),
        |x, _, depth| x * 10_f32.powi(3 - (depth * 7919 % 9) as i32),
    ),
    (
        "rows of sizes of their own, some of zeros",
        |x, row, _| x * (row % 3) as f32 * 1e-3,
        |x, row, _| x * 10_f32.powi(row as i32 / 2),
    ),
    (
        "largest numbers just below a power of two",
        |x, _, _| 1.0 - 1e-3 * x.abs().min(2.0),
        |x, _, _| x.clamp(-1.0, 1.0) * (2.0 - f32::EPSILON),
    ),
    (
        "depths that are small in all columns but one",
        |x, _, _| x,
        |x, row, depth| match depth {
            0..3 if row != 7 => x * [1e-30, 1e-6, 1e-4][depth],
            _ => x,
        },
    ),
    (
        "flat and peaked distributions",
        |x, _, _| x,
        |x, _, depth| {
            if depth % 2 == 0 { 0.02 } else { (8.0 * x - 9.0).exp().min(1.0) }
        },
    ),
    (
        "smooth rectifiers behind wide and narrow layers",
        |x, _, _| x,
        |x, _, depth| {
            let x = x * [0.5, 2.0, 5.0][depth % 3];
            x / (1.0 + (-1.7 * x).exp())
        },
    ),
    (
        "depths without a number on the right",
        |x, _, depth| if depth == 3 { x * 1e30 } else { x },
        |x, _, depth| {
            if depth == 3 { 0.0 } else { x }
        },
    ),
    (
        "columns without a number",
        |x, _, depth| x * 10_f32.powi((depth % 9) as i32),
        |x, row, depth| {
            if row % 2 == 0 { 0.0 } else { x * 10_f32.powi(-((depth % 9) as i32)) }
        },
    ),
    ("near the ends of the range", |x, _, _| x * 1e-30, |x, row, _| x * if row < 20 { 1e37 } else { 1e30 }),
];

#[test]
fn every_kernel_is_as_accurate_as_f32() {
    let size = Size { rows: 40, columns: 50, depth: 1300 };
    for (case, left, right) in UNLIKE {
        let draw = |name: &str, rows: usize, change: Change| -> Vec<f32> {
            let numbers = normal(name, rows * size.depth).into_iter().enumerate();
            numbers.map(|(i, x)| change(x, i / size.depth, i % size.depth)).collect()
        };
        let (a, b) = (draw("a", size.rows, left), draw("b", size.columns, right));
        let lines: Vec<f32> = (0..b.len()).map(|i| b[i % size.columns * size.depth + i / size.columns]).collect();
        let (left, right) = (Matrix::rows(&a, size.depth), Matrix::rows(&b, size.depth));
        for kernel in kernels() {
            let outs = [
                multiplied(kernel, size, &left, &right),
                multiplied(kernel, size, &left, &Matrix::columns(&lines, size.columns)),
                multiplied(kernel, size, &left, &Hidden(right)),
            ];
            for index in 0..size.rows * size.columns {
                let (i, j) = (index / size.columns, index % size.columns);
                let products =
                    (0..size.depth).map(|k| f64::from(a[i * size.depth + k]) * f64::from(b[j * size.depth + k]));
                let (exact, scale) = products.fold((0.0, 0.0), |(sum, scale), p| (sum + p, scale + p.abs()));
                for (operand, out) in outs.iter().map(|out| f64::from(out[index])).enumerate() {
                    // A sum in order in f32 is within depth * 2^-24 of its terms' size, and typically within its root.
                    let error = (out - exact).abs();
                    assert!(error <= 1e-6 * scale, "{case}, {kernel:?} of {operand} at {i}, {j}: {error} of {scale}");
                }
            }
        }
    }
}

#[test]
fn a_value_that_stands_for_a_missing_one_costs_digits_in_its_row_and_column_alone() {
    let size = Size { rows: 40, columns: 50, depth: 300 };
    let (mut a, mut b) = (normal("a", size.rows * size.depth), normal("b", size.columns * size.depth));
    (a[17 * size.depth + 5], b[33 * size.depth + 250]) = (1e33, -1e33);
    let largest = |row: &[f32]| row.iter().fold(0.0, |most, x| f64::from(x.abs()).max(most));
    for kernel in kernels() {
        let out = multiplied(kernel, size, &Matrix::rows(&a, size.depth), &Matrix::rows(&b, size.depth));
        for (index, out) in out.into_iter().enumerate() {
            let (i, j) = (index / size.columns, index % size.columns);
            let (a, b) = (&a[i * size.depth..][..size.depth], &b[j * size.depth..][..size.depth]);
            let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let (exact, scale) = products.fold((0.0, 0.0), |(sum, scale), p| (sum + p, scale + p.abs()));
            // Nearly all of such a sum is one product, whose other factor has no more digits than its row leaves it.
            let scale = if i == 17 || j == 33 { largest(a) * largest(b) } else { scale };
            assert!((f64::from(out) - exact).abs() <= 1e-6 * scale, "{kernel:?} at {i}, {j}: {out}, not {exact}");
        }
    }
}

#[test]
fn what_is_not_finite_stays_in_its_row_and_column() {
    let size = Size { rows: 40, columns: 50, depth: 300 };
    let (mut a, mut b) = (normal("a", size.rows * size.depth), normal("b", size.columns * size.depth));
    let multiplied = |kernel, a: &[f32], b: &[f32]| {
        multiplied(kernel, size, &Matrix::rows(a, size.depth), &Matrix::rows(b, size.depth))
    };
    let sound: Vec<Vec<f32>> = kernels().map(|kernel| multiplied(kernel, &a, &b)).collect();
    for lost in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        (a[17 * size.depth + 5], b[33 * size.depth + 250]) = (lost, lost);
        for (kernel, sound) in kernels().zip(&sound) {
            for (index, (out, sound)) in multiplied(kernel, &a, &b).into_iter().zip(sound).enumerate() {
                let (i, j) = (index / size.columns, index % size.columns);
                let sound = if i == 17 || j == 33 { !out.is_finite() } else { (out - sound).abs() < 1e-4 };
                assert!(sound, "{lost} in {kernel:?} at {i}, {j}: {out}");
            }
        }
    }
}
