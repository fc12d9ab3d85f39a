//! The same bytes from processes with different numbers of threads.

use std::process::Command;

use narrows_eval::map;

use crate::pca::{fit, normal};

/// Not a test of its own: prints a digest of what is computed with the threads of this process.
#[test]
#[ignore = "started by any_number_of_threads_gives_the_same_bytes"]
fn digest() {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |value: u64| hash = (hash ^ value).wrapping_mul(0x0100_0000_01b3);
    for width in [300, 4200] {
        let x = normal("data", (400, width));
        let pca = fit(10, &vec![1.0; width], &x, 150).unwrap();
        pca.variances().iter().for_each(|value| take(value.to_bits()));
        let codes = pca.encode(&x).unwrap();
        codes
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap()
            .iter()
            .for_each(|value| take(u64::from(value.to_bits())));
        if width == 300 {
            map::t_sne(&codes).unwrap().iter().flatten().for_each(|value| take(value.to_bits()));
        }
    }
    println!("digest {hash:016x}");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let digest = |threads: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "threads::digest", "--ignored", "--nocapture"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_once("digest ").unwrap_or_else(|| panic!("{text}")).1[..16].to_owned()
    };
    assert_eq!(digest("1"), digest("3"));
}
