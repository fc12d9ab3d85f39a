//! Bad pictures: of different sizes, damaged, or larger than any picture should be.

use crate::files::png;
use crate::scene::Scene;

#[test]
fn pictures_of_different_sizes_are_named() {
    let scene = Scene::new();
    scene.write("p/a.png", png((16, 16), (16, 16), |x, y| (x * y) as u8));
    scene.write("p/b.png", png((20, 12), (20, 12), |x, y| (x + y) as u8));
    let error = scene.refuses("p", 3, &["pictures of different sizes", "a.png is 16 x 16", "b.png is 20 x 12"]);
    assert!(error.contains("resize"), "{error}");
    let rows = scene.succeeds(&["data", "describe", "p", "--resize", "8x8"]);
    assert!(rows.contains("2 rows") && rows.contains("8 x 8"), "{rows}");
}

#[test]
fn damaged_pictures_are_named() {
    let scene = Scene::new();
    let whole = png((32, 32), (32, 32), |x, y| (x * 7 + y * 13) as u8);
    scene.write("whole.png", &whole);
    scene.succeeds(&["data", "describe", "whole.png"]);
    scene.write("cut.png", &whole[..whole.len() / 2]);
    scene.refuses("cut.png", 3, &["cut.png"]);
    let mut corrupt = whole.clone();
    corrupt[60] ^= 0xff;
    scene.write("p/corrupt.png", corrupt);
    for name in 0..9 {
        scene.write(&format!("p/{name}.png"), &whole);
    }
    scene.refuses("p", 3, &["corrupt.png"]);
    scene.write("few.png", png((64, 64), (8, 8), |_, _| 0));
    scene.refuses("few.png", 3, &["few.png"]);
    std::fs::create_dir(scene.path("none")).unwrap();
    scene.refuses("none", 3, &["none"]);
}

#[test]
fn sixty_thousand_pixels_a_side() {
    let scene = Scene::new();
    scene.write("huge.png", png((60_000, 60_000), (16, 16), |_, _| 0));
    scene.refuses("huge.png", 3, &["huge.png: 60000 x 60000 pixels; at most"]);
}
