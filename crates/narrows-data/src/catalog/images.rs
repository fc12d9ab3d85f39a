//! Images: handwritten digits and articles of clothing.

use super::{Dataset, Opens, Remote};

/// The image sets of the catalogue.
pub(super) const IMAGES: &[Dataset] = &[
    Dataset {
        name: "digits",
        about: "1,797 handwritten digits of 8 x 8 pixels, embedded",
        licence: "CC BY 4.0",
        citation: "E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, 1998. \
                   https://doi.org/10.24432/C50P49",
        homepage: "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
        opens: Opens::Embedded,
        files: &[],
    },
    Dataset {
        name: "mnist",
        about: "70,000 handwritten digits of 28 x 28 pixels, the last 10,000 for testing",
        licence: "CC BY-SA 3.0",
        citation: "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-based learning applied to document recognition. \
                   Proceedings of the IEEE 86(11), 1998",
        homepage: "http://yann.lecun.com/exdb/mnist/",
        opens: Opens::Directory("mnist"),
        files: &[
            Remote {
                url: "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz",
                path: "mnist/train-images-idx3-ubyte.gz",
                size: 9_912_422,
                sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                header: None,
            },
            Remote {
                url: "https://storage.googleapis.com/cvdf-datasets/mnist/train-labels-idx1-ubyte.gz",
                path: "mnist/train-labels-idx1-ubyte.gz",
                size: 28_881,
                sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                header: None,
            },
            Remote {
                url: "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-images-idx3-ubyte.gz",
                path: "mnist/t10k-images-idx3-ubyte.gz",
                size: 1_648_877,
                sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                header: None,
            },
            Remote {
                url: "https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
                path: "mnist/t10k-labels-idx1-ubyte.gz",
                size: 4_542,
                sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                header: None,
            },
        ],
    },
    Dataset {
        name: "fashion-mnist",
        about: "70,000 articles of clothing of 28 x 28 pixels, the last 10,000 for testing",
        licence: "MIT",
        citation: "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking machine learning \
                   algorithms. arXiv:1708.07747, 2017",
        homepage: "https://github.com/zalandoresearch/fashion-mnist",
        opens: Opens::Directory("fashion-mnist"),
        files: &[
            Remote {
                url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz",
                path: "fashion-mnist/train-images-idx3-ubyte.gz",
                size: 26_421_880,
                sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                header: None,
            },
            Remote {
                url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz",
                path: "fashion-mnist/train-labels-idx1-ubyte.gz",
                size: 29_515,
                sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                header: None,
            },
            Remote {
                url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz",
                path: "fashion-mnist/t10k-images-idx3-ubyte.gz",
                size: 4_422_102,
                sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                header: None,
            },
            Remote {
                url: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
                path: "fashion-mnist/t10k-labels-idx1-ubyte.gz",
                size: 5_148,
                sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                header: None,
            },
        ],
    },
];
