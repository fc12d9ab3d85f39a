//! Time series of sensors with labelled anomalies.

use super::{Dataset, Opens, Remote};

macro_rules! nab {
    ($path:literal, $size:literal, $sha256:literal) => {
        Remote {
            url: concat!("https://raw.githubusercontent.com/numenta/NAB/master/data/", $path),
            path: concat!("nab/", $path),
            size: $size,
            sha256: $sha256,
            header: None,
        }
    };
}

macro_rules! skab {
    ($path:literal, $size:literal, $sha256:literal) => {
        Remote {
            url: concat!("https://raw.githubusercontent.com/waico/SKAB/master/data/", $path),
            path: concat!("skab/", $path),
            size: $size,
            sha256: $sha256,
            header: None,
        }
    };
}

/// The time series of the catalogue.
pub(super) const SERIES: &[Dataset] = &[
    Dataset {
        name: "nab",
        about: "35 series of the Numenta Anomaly Benchmark in four groups, with labelled windows",
        licence: "MIT",
        citation: "A. Lavin, S. Ahmad: Evaluating Real-Time Anomaly Detection Algorithms, the Numenta Anomaly Benchmark. \
                   ICMLA 2015",
        homepage: "https://github.com/numenta/NAB",
        opens: Opens::Series("nab/realKnownCause/nyc_taxi.csv"),
        files: &[
            Remote {
                url: "https://raw.githubusercontent.com/numenta/NAB/master/labels/combined_windows.json",
                path: "nab/combined_windows.json",
                size: 15_359,
                sha256: "1e1fbc4601321aad8d0f8b3784c8134299379f68f6c1f7777565f8ffd57ab6b1",
                header: None,
            },
            nab!(
                "artificialNoAnomaly/art_daily_no_noise.csv",
                116_776,
                "ccb7743ac2de8ca110db4af796d11ba31a23ad448a28e353a935c15f637756bc"
            ),
            nab!(
                "artificialNoAnomaly/art_daily_perfect_square_wave.csv",
                100_816,
                "662ff0a295b81eb0ff8e81116a54a497cd6f6b07c19c7a5ea72cce494913ce62"
            ),
            nab!(
                "artificialNoAnomaly/art_daily_small_noise.csv",
                140_187,
                "c4b304229f69f108eaa024fb2406fcd4510c5c5d95cd0053e2da6989682e4e6d"
            ),
            nab!(
                "artificialNoAnomaly/art_flatline.csv",
                100_816,
                "1cc10761ddd6d55fb5f0d9cfc73610416abbb120ee14bb65eff288509a463397"
            ),
            nab!(
                "artificialNoAnomaly/art_noisy.csv",
                140_916,
                "ad455adeaf06852222500955f2aefe6bd389cc762ef68e7102ee543209c8607f"
            ),
            nab!(
                "artificialWithAnomaly/art_daily_flatmiddle.csv",
                140_292,
                "ea5df125947e9ee2b977ac3d341f3c2a029588862af97cae4a654fc56e838702"
            ),
            nab!(
                "artificialWithAnomaly/art_daily_jumpsdown.csv",
                140_814,
                "4af31802e87dff4b4ba3ceb21714ba9d905f7888e1f53d47cc6dd4f856f9debc"
            ),
            nab!(
                "artificialWithAnomaly/art_daily_jumpsup.csv",
                140_548,
                "f79f92b93ee4f9c10e2dc552505e8880b0c618639ed5e0f9816e044b75c26456"
            ),
            nab!(
                "artificialWithAnomaly/art_daily_nojump.csv",
                140_478,
                "65c85d1834376ed5e622f01721d478609577ea0df0a067c5a5ebe5edea03b077"
            ),
            nab!(
                "artificialWithAnomaly/art_increase_spike_density.csv",
                96_869,
                "0959d8871d5c1a3fc3120fb7421e4ef113fffb434af2889085b52aebdb69360c"
            ),
            nab!(
                "artificialWithAnomaly/art_load_balancer_spikes.csv",
                101_603,
                "99f7130e54c7c3e818df8e3bdc0974cd241914bb14a10a9c3fa7c1374125d224"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_24ae8d.csv",
                105_367,
                "ab446fbd8b9f37507eb2fdb06315826d8daeef02e241133ce06e0ee571ba53d9"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_53ea38.csv",
                116_041,
                "8942e498de7b40f1b4a6d802755592c09b8fb73ce8f658763a09cb9ea1ea94ac"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_5f5533.csv",
                119_229,
                "01613e6f632d067f11a5dfd40a188b0789752b388d9bc77a398bd06333878a76"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_77c1ca.csv",
                106_007,
                "90ceabd570b449241ee24ff8a116a793979b7671ce4490707311bfea0e0aae1f"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_825cc2.csv",
                113_675,
                "d768419037c9db269343822957314f57ee21a7d9a4d41df2add0d1ba45ba84de"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_ac20cd.csv",
                116_980,
                "749a15c2e1a4543c21fee9cbf3338cd8a7ed5f5f8a1308b9b099b06c2c66e66b"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_c6585a.csv",
                104_962,
                "d936cea74682ed43ac96b778352d7de294c0b0c168f4a7e6817162346cdb28c1"
            ),
            nab!(
                "realAWSCloudwatch/ec2_cpu_utilization_fe7f93.csv",
                115_788,
                "f3433f8171f4dcea86c0c7af9996d0f166f812fa0f4567f1d5cd85d2d2cd69b4"
            ),
            nab!(
                "realAWSCloudwatch/ec2_disk_write_bytes_1ef3de.csv",
                116_626,
                "ce3d6c6a652ed7c31a6dd3727a36e128fcac6fb2381c63267ad0fbc02eccd9df"
            ),
            nab!(
                "realAWSCloudwatch/ec2_disk_write_bytes_c0d644.csv",
                101_626,
                "a0e734a66098bb81833835f0839dadafbc8ae829c51494670ee8849e46eb5b63"
            ),
            nab!(
                "realAWSCloudwatch/ec2_network_in_257a54.csv",
                117_236,
                "39104b08f2e0a673b5137eb7681897fcadf0955fedf565740a6a94edc63a81a4"
            ),
            nab!(
                "realAWSCloudwatch/ec2_network_in_5abac7.csv",
                120_827,
                "c27ef93f582af63bf42e80d804764cbe64ae987620f3cfab5477d6ebb3c6157e"
            ),
            nab!(
                "realAWSCloudwatch/elb_request_count_8c0756.csv",
                101_052,
                "74c26574a01ca9fb89dddb5021e2e13c3a93eb25dc640438a9acb1ceb00f1021"
            ),
            nab!(
                "realAWSCloudwatch/grok_asg_anomaly.csv",
                131_065,
                "86a0abe9d58e376858d2fd4f4a438f1997e24c64a09e5af03accd4e1b372ac47"
            ),
            nab!(
                "realAWSCloudwatch/iio_us-east-1_i-a2eb1cd9_NetworkIn.csv",
                37_339,
                "f115fbe6542159eed5612445bfa620708a28ab6b41349d1432bb15c3a3b8414d"
            ),
            nab!(
                "realAWSCloudwatch/rds_cpu_utilization_cc0c53.csv",
                117_806,
                "d5df979ef85928769a016cd0f935919d8c2a113926e21e1eb3a5001d688760e2"
            ),
            nab!(
                "realAWSCloudwatch/rds_cpu_utilization_e47b3b.csv",
                113_599,
                "6b712b922ab3b3404c5a629d64a570c390c99471ee8b9b0ff7665f553fda92c1"
            ),
            nab!(
                "realKnownCause/ambient_temperature_system_failure.csv",
                233_321,
                "230b68ccca20f59d562afd5d24ad52939c9b784386bed0054018358bf9120581"
            ),
            nab!(
                "realKnownCause/cpu_utilization_asg_misconfiguration.csv",
                539_274,
                "58ba65dc0737cfbac11b51514476d50c438d44011232144bb8d93f392df58f9f"
            ),
            nab!(
                "realKnownCause/ec2_request_latency_system_failure.csv",
                123_428,
                "98378580aa80157e057c61d59d81daddccc6c65a2c0c800e3f01f603b8215c3f"
            ),
            nab!(
                "realKnownCause/machine_temperature_system_failure.csv",
                732_223,
                "92bf5b87fc7f9bba8ca0b7ec63ccaac8cb4a1371a258e8c29a10ae9c018d82a4"
            ),
            nab!(
                "realKnownCause/nyc_taxi.csv",
                265_771,
                "d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d"
            ),
            nab!(
                "realKnownCause/rogue_agent_key_hold.csv",
                55_527,
                "47b110baa8e3636574c1033dda1cce780873647fab58223d159d4fee6f180e86"
            ),
            nab!(
                "realKnownCause/rogue_agent_key_updown.csv",
                138_333,
                "9797cfef477c13306f7a33874ab4d6cf700f8f2c7e5825a2a5bc02004370909a"
            ),
        ],
    },
    Dataset {
        name: "skab",
        about: "sensors of a water circulation loop: 16 experiments with a closing valve, and one without anomaly",
        licence: "GPL-3.0",
        citation: "I. Katser, V. Kozitsin: Skoltech Anomaly Benchmark (SKAB). Kaggle, 2020. \
                   https://doi.org/10.34740/KAGGLE/DSV/1693952",
        homepage: "https://github.com/waico/SKAB",
        opens: Opens::Series("skab/valve1/0.csv"),
        files: &[
            skab!(
                "anomaly-free/anomaly-free.csv",
                814_703,
                "7641a8742957100ef424dd97adfb3eeab27d4d180645fe2b3c49b7f7146ae9a6"
            ),
            skab!("valve1/0.csv", 110_346, "16af3f71313a23dd33d9b7b8065d836d05c3f9257588881cc7fbe07c076d9dc8"),
            skab!("valve1/1.csv", 110_330, "fe4493bf805baef4e6dfb864094275d8cc2ea80a16b3735e2752b18b6aefd812"),
            skab!("valve1/2.csv", 103_507, "90492413469261886c8896c327241448df5da73fd7739cabfec8dd82de3c0ce4"),
            skab!("valve1/3.csv", 110_534, "cb6afea108eddfd8447307e405f86bbb764b8d8e9130d7849a46e1303e19b8b2"),
            skab!("valve1/4.csv", 105_634, "983aed9dc09991a57911091373c580e1b86d06aa983cd51678f108fd8d709654"),
            skab!("valve1/5.csv", 111_575, "78974991ec87b7f9b9b6b2944f4b525468a9beb36c59b06cd7650d9a15eca14a"),
            skab!("valve1/6.csv", 111_676, "97469c0e0c9c0e0ee5d30794f1f36c6785df5816a112a8b16c59637e8c894685"),
            skab!("valve1/7.csv", 105_941, "ca2c9c6d6fa302c642acec6fbedac495bd12fececeee0a755d45a54e340e0f30"),
            skab!("valve1/8.csv", 110_305, "0c4afb92248b5b35b4c9d734a91ed8318346901f04579074903730569e60416c"),
            skab!("valve1/9.csv", 110_586, "2aa1ae1b2ff505caecda24802b877dc686924bbbeeb7e7db4faa261efb5ed5bd"),
            skab!("valve1/10.csv", 110_623, "ee16be8e4b870c779491e3d1dc9e0ecbfaf29eb013e032abff7a33f2cbbfe2ad"),
            skab!("valve1/11.csv", 110_166, "89660fae4ed5c918db014409bbbc29f498fd99c7e956fab2620d18dea700a973"),
            skab!("valve1/12.csv", 110_061, "90adfa9bc86d4556e6a4ce734436fd5685af79c189cd9828f8df75a7f468ce07"),
            skab!("valve1/13.csv", 110_455, "d6cb6a97437215d3066a87e1fcc5fa4e68017629c043c5315920e3cf1060841c"),
            skab!("valve1/14.csv", 110_181, "5f0bb9bc33c5e6c259263e32e25915c4d24c82b0a94554d48808626da05c1d71"),
            skab!("valve1/15.csv", 111_352, "75cc86ab25d7091eee024739fa06d048753480d5d7d1507077231cab4f1b7a7e"),
        ],
    },
];
