//! Tables: the adult census and sets of ADBench with labelled anomalies.

use super::{Dataset, Opens, Remote};

const ADULT: &str = "adult/adult.csv";
const ADULT_HEADER: &str = "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,\
     capital-gain,capital-loss,hours-per-week,native-country,income\n";

const ADBENCH_CITATION: &str =
    "S. Han, X. Hu, H. Huang, M. Jiang, Y. Zhao: ADBench: Anomaly Detection Benchmark. NeurIPS 2022";
const ADBENCH_LICENCE: &str = "BSD 2-Clause (ADBench); the data come from public repositories, for research";

macro_rules! adbench {
    ($name:literal, $file:literal, $size:literal, $sha256:literal, $about:literal) => {
        Dataset {
            name: $name,
            about: $about,
            licence: ADBENCH_LICENCE,
            citation: ADBENCH_CITATION,
            homepage: "https://github.com/Minqi824/ADBench",
            opens: Opens::File(&[concat!("adbench/", $file)]),
            files: &[Remote {
                url: concat!(
                    "https://raw.githubusercontent.com/Minqi824/ADBench/main/adbench/datasets/Classical/",
                    $file
                ),
                path: concat!("adbench/", $file),
                size: $size,
                sha256: $sha256,
                header: None,
            }],
        }
    };
}

/// The tables of the catalogue.
pub(super) const TABLES: &[Dataset] = &[
    Dataset {
        name: "adult",
        about: "the 1994 census: 32,561 people, 14 columns of mixed types, and whether they earn above 50,000 dollars",
        licence: "CC BY 4.0",
        citation: "B. Becker, R. Kohavi: Adult. UCI Machine Learning Repository, 1996. https://doi.org/10.24432/C5XW20",
        homepage: "https://archive.ics.uci.edu/dataset/2/adult",
        opens: Opens::File(&[ADULT, "adult/adult.csv.gz"]),
        files: &[Remote {
            url: "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/adult.data",
            path: ADULT,
            size: 3_974_305,
            sha256: "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            header: Some(ADULT_HEADER),
        }],
    },
    adbench!(
        "annthyroid",
        "2_annthyroid.npz",
        66_547,
        "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b",
        "thyroid function tests, hyper- and subnormal function anomalous"
    ),
    adbench!(
        "breastw",
        "4_breastw.npz",
        3_023,
        "4f37ce07dbc25ddad8178fdc6d664ab46d2d0000ee28c2787c3c7ff3c03ef9f6",
        "cell features of breast tumours, malignant ones anomalous"
    ),
    adbench!(
        "cardio",
        "6_cardio.npz",
        68_471,
        "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d",
        "fetal heart rates, pathologic ones anomalous"
    ),
    adbench!(
        "fault",
        "12_fault.npz",
        192_040,
        "ec27301f9a4cf7c5d8b22c360cf37ddb043b7fb062465723dfd8b34e2771e5dd",
        "faults of steel plates"
    ),
    adbench!(
        "glass",
        "14_glass.npz",
        10_755,
        "aa7a8db1d475ba01a10488af454bc15220a3d5951b010b03b7020567d8152cdc",
        "chemistry of glass, tableware anomalous"
    ),
    adbench!(
        "ionosphere",
        "18_Ionosphere.npz",
        42_913,
        "bca46cb0cfd1bf9ddef6cde5ad2215d54fb0189508d0d4c4eb98e788cad69001",
        "radar returns from the ionosphere, bad ones anomalous"
    ),
    adbench!(
        "letter",
        "20_letter.npz",
        23_946,
        "f986d3da80cf1fa2aea83a5ebe73b7d4800e0d4c01fdd1ae074b58d20f10d039",
        "features of letters, with letters of other classes mixed in as anomalies"
    ),
    adbench!(
        "mammography",
        "23_mammography.npz",
        166_764,
        "a0308ac9712d78321073b1c2dc98dc37665c0f35c1cc33019416fe8f8d7de7ea",
        "features of mammograms, calcifications anomalous"
    ),
    adbench!(
        "optdigits",
        "26_optdigits.npz",
        197_633,
        "60de17a375a278ba220a7849727d998aa02b5e2f9fd17732a004bba28de4656e",
        "handwritten digits 8 x 8, the digit 0 anomalous"
    ),
    adbench!(
        "pendigits",
        "28_pendigits.npz",
        653_509,
        "c4936b89dcdad59d303020e492f763a0f54170080d787c77497609acbb9c2d79",
        "pen strokes of handwritten digits, the digit 0 anomalous"
    ),
    adbench!(
        "pima",
        "29_Pima.npz",
        11_023,
        "215454bb263a2f040945c9ea7bd7f06f1e89a61a3143bdb6f196e3887e801a7d",
        "diabetes among Pima women, positive tests anomalous"
    ),
    adbench!(
        "satimage-2",
        "31_satimage-2.npz",
        181_405,
        "1b056e357f801b8b20c3f380a30224a3c4088d7ed764ec5a24828dc9b1918d6f",
        "satellite spectra, part of the cotton crop anomalous"
    ),
    adbench!(
        "shuttle",
        "32_shuttle.npz",
        332_929,
        "26900b0f6be45d9ddb7a402c9b2f956ceda42d23a8ca4cf4406b8bc1352823d1",
        "states of the Space Shuttle radiators, all but the common one anomalous"
    ),
    adbench!(
        "spambase",
        "35_SpamBase.npz",
        152_038,
        "d0c46c7928e43f6496bcd06e09de0b70f6bc8143792dfa0a43f450263d254e9b",
        "word frequencies of e-mails, spam anomalous"
    ),
    adbench!(
        "thyroid",
        "38_thyroid.npz",
        39_882,
        "8de161b3f235b7647bb0b39a836d983ff61d67bf234edac461da2d71e889cb87",
        "thyroid function tests, hyperfunction anomalous"
    ),
    adbench!(
        "vowels",
        "40_vowels.npz",
        134_268,
        "4bfc4244d1c882773bbbc50d4a5db5e52276e53506e46b2d45e02d074cfcb1b6",
        "spoken Japanese vowels, one speaker anomalous"
    ),
    adbench!(
        "wbc",
        "42_WBC.npz",
        1_444,
        "650f9dcb129248f67a291be0974f533ef259fcbde50fce5c8ad2a1cb2652d03b",
        "cell features of breast tumours, few malignant ones anomalous"
    ),
    adbench!(
        "wine",
        "45_wine.npz",
        4_072,
        "d5ad8965d92cc57122fe1e6572bb301adbaf795b3e166d187ae00a704d8f6e20",
        "chemistry of wines, one cultivar anomalous"
    ),
];
