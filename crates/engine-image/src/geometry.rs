//! Which part of a picture is taken, and how large it becomes.

use quoin_files::images::{Resize, Transformation};

/// A rectangle of the source and the size it is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The left edge of the part that is taken, in pixels.
    pub left: f64,
    /// Its upper edge.
    pub top: f64,
    /// Its width.
    pub width: f64,
    /// Its height.
    pub height: f64,
    /// The width it becomes.
    pub to_width: u32,
    /// The height it becomes.
    pub to_height: u32,
}

/// Plans a picture. Nothing is made larger than it is: more pixels would show no more.
pub fn plan(source: (u32, u32), wish: &Transformation) -> Plan {
    let (width, height) = (f64::from(source.0), f64::from(source.1));
    let whole = |to_width: f64, to_height: f64| Plan {
        left: 0.0,
        top: 0.0,
        width,
        height,
        to_width: pixels(to_width),
        to_height: pixels(to_height),
    };
    let (to_width, to_height) = match (wish.width.map(f64::from), wish.height.map(f64::from)) {
        (None, None) => return whole(width, height),
        // With one side given the other follows, whatever the mode.
        (Some(to_width), None) => (to_width.min(width), height * (to_width / width).min(1.0)),
        (None, Some(to_height)) => (width * (to_height / height).min(1.0), to_height.min(height)),
        (Some(to_width), Some(to_height)) => match wish.resize {
            Resize::Fill => (to_width.min(width), to_height.min(height)),
            Resize::Contain => {
                let factor = (to_width / width).min(to_height / height).min(1.0);
                (width * factor, height * factor)
            }
            Resize::Cover => return cover((width, height), (to_width, to_height)),
        },
    };
    whole(to_width, to_height)
}

/// Takes the middle part that has the wished proportions.
fn cover((width, height): (f64, f64), (to_width, to_height): (f64, f64)) -> Plan {
    let factor = (width / to_width).min(height / to_height);
    let (part_width, part_height) = (to_width * factor, to_height * factor);
    // A picture smaller than the wish is cut to the proportions and keeps its pixels.
    let shrink = factor.min(1.0);
    Plan {
        left: (width - part_width) / 2.0,
        top: (height - part_height) / 2.0,
        width: part_width,
        height: part_height,
        to_width: pixels(to_width * shrink),
        to_height: pixels(to_height * shrink),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sides lie between 1 and those of a picture, which are u32"
)]
fn pixels(side: f64) -> u32 {
    side.round().max(1.0) as u32
}
