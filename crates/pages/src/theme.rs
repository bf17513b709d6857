//! Colours, and whether one can be read on the other (WCAG 2.2, contrast).

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Colour([u8; 3]);

impl Colour {
    /// The ground of light pages.
    pub(crate) const LIGHT: Self = Self([0xf6, 0xf8, 0xfa]);
    /// The ground of cards on dark pages.
    pub(crate) const DARK: Self = Self([0x16, 0x1b, 0x22]);
    const WHITE: Self = Self([0xff; 3]);
    const INK: Self = Self([0x0d, 0x11, 0x17]);

    /// Reads `#rrggbb`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// Returns the contrast of two colours, 1 to 21.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Returns the colour in which text on this one is read best.
    pub(crate) fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::INK) { Self::WHITE } else { Self::INK }
    }

    /// Writes the colour as style sheets do.
    pub(crate) fn css(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_has_the_greatest_contrast_and_text_stays_readable() {
        let (white, black) = (Colour::WHITE, Colour([0; 3]));
        assert!((white.contrast(black) - 21.0).abs() < 0.01);
        for text in ["#0b57d0", "#7cacf8", "#ffcc00", "#7f7f7f"] {
            let colour = Colour::parse(text).unwrap();
            assert!(colour.contrast(colour.text_on()) >= 4.5, "{text}");
            assert_eq!(colour.css(), text);
        }
        assert_eq!(["red", "#12345", "#12345g", "#ééé"].map(Colour::parse), [None; 4]);
    }
}
