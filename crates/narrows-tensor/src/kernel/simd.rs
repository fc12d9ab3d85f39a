//! Loops compiled for several instruction sets, the best one chosen at run time.

/// Defines a function whose body is compiled for AVX-512, for AVX2 and for the baseline.
///
/// Bodies use no fused multiply-add, so that all three give the same bits.
macro_rules! vectorized {
    (
        $(#[$meta:meta])* $visibility:vis fn $name:ident $([$($bounds:tt)*][$($generic:ident),*])?
        ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name $(<$($bounds)*>)? ($($argument: $type),*) $(-> $result)? {
            #[allow(clippy::too_many_arguments)]
            #[inline(always)]
            fn body $(<$($bounds)*>)? ($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512 $(<$($bounds)*>)? ($($argument: $type),*) $(-> $result)? {
                    body $(::<$($generic),*>)? ($($argument),*)
                }
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx2")]
                fn avx2 $(<$($bounds)*>)? ($($argument: $type),*) $(-> $result)? {
                    body $(::<$($generic),*>)? ($($argument),*)
                }
                if $crate::kernel::simd::avx512() {
                    // SAFETY: the processor has these features.
                    return unsafe { avx512 $(::<$($generic),*>)? ($($argument),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has this feature.
                    return unsafe { avx2 $(::<$($generic),*>)? ($($argument),*) };
                }
            }
            body $(::<$($generic),*>)? ($($argument),*)
        }
    };
}
pub(crate) use vectorized;

/// Whether kernels with 256-bit vectors and fused multiply-add can run here.
#[cfg(target_arch = "x86_64")]
pub(crate) fn avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

/// Whether the AVX-512 kernels can run here.
#[cfg(target_arch = "x86_64")]
pub(crate) fn avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512vl")
}

/// Has the processor fetch numbers that will be read soon.
#[inline(always)]
pub(crate) fn prefetch(numbers: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in numbers.iter().step_by(16) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint; the address is that of a number.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(line).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}
