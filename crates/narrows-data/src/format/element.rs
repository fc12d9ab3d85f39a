//! The number types that array files hold, and their conversion to f32 and f64.

use half::{bf16, f16};

/// The type of one stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

/// The order of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

macro_rules! convert {
    ($bytes:expr, $endian:expr, $out:expr, $type:ty, $size:literal, $convert:expr) => {{
        let convert = $convert;
        let (chunks, _) = $bytes.as_chunks::<$size>();
        match $endian {
            Endian::Little => $out.extend(chunks.iter().map(|c| convert(<$type>::from_le_bytes(*c)))),
            Endian::Big => $out.extend(chunks.iter().map(|c| convert(<$type>::from_be_bytes(*c)))),
        }
    }};
}

macro_rules! decoder {
    ($name:ident, $target:ty, $doc:literal) => {
        #[doc = $doc]
        pub(crate) fn $name(self, endian: Endian, bytes: &[u8], out: &mut Vec<$target>) {
            match self {
                Self::Bool => out.extend(bytes.iter().map(|&v| <$target>::from(u8::from(v != 0)))),
                Self::U8 => out.extend(bytes.iter().map(|&v| <$target>::from(v))),
                Self::I8 => convert!(bytes, endian, out, i8, 1, |v| v as $target),
                Self::I16 => convert!(bytes, endian, out, i16, 2, |v| v as $target),
                Self::U16 => convert!(bytes, endian, out, u16, 2, |v| v as $target),
                Self::I32 => convert!(bytes, endian, out, i32, 4, |v| v as $target),
                Self::U32 => convert!(bytes, endian, out, u32, 4, |v| v as $target),
                Self::I64 => convert!(bytes, endian, out, i64, 8, |v| v as $target),
                Self::U64 => convert!(bytes, endian, out, u64, 8, |v| v as $target),
                Self::F16 => convert!(bytes, endian, out, f16, 2, <$target>::from),
                Self::Bf16 => convert!(bytes, endian, out, bf16, 2, <$target>::from),
                Self::F32 => convert!(bytes, endian, out, f32, 4, |v| v as $target),
                Self::F64 => convert!(bytes, endian, out, f64, 8, |v| v as $target),
            }
        }
    };
}

impl Element {
    /// Bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    decoder!(to_f32, f32, "Appends the numbers in `bytes` to `out`, rounded to f32.");
    decoder!(to_f64, f64, "Appends the numbers in `bytes` to `out`.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_in_both_orders() {
        let cases: [(Element, Vec<u8>, f64); 8] = [
            (Element::I8, vec![0xFE], -2.0),
            (Element::I16, vec![0xFE, 0xFF], -2.0),
            (Element::U16, vec![0x01, 0x02], 513.0),
            (Element::F16, f16::from_f32(1.5).to_le_bytes().to_vec(), 1.5),
            (Element::Bf16, bf16::from_f32(-3.0).to_le_bytes().to_vec(), -3.0),
            (Element::U32, 70_000_u32.to_le_bytes().to_vec(), 70_000.0),
            (Element::I64, (-5_i64).to_le_bytes().to_vec(), -5.0),
            (Element::F64, 0.25_f64.to_le_bytes().to_vec(), 0.25),
        ];
        for (element, little, expected) in cases {
            let big: Vec<u8> = little.iter().rev().copied().collect();
            for (endian, bytes) in [(Endian::Little, &little), (Endian::Big, &big)] {
                let (mut single, mut double) = (Vec::new(), Vec::new());
                element.to_f32(endian, bytes, &mut single);
                element.to_f64(endian, bytes, &mut double);
                assert_eq!(single, [expected as f32], "{element:?} {endian:?}");
                assert_eq!(double, [expected], "{element:?} {endian:?}");
            }
        }
    }
}
