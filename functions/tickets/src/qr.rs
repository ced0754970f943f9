//! A payload as a picture that scanners read.

use domain::fault::{Code, Fault};
use qrcode::{Color, EcLevel, QrCode, render::svg};

/// How wide a module is, in pixels: what one byte has of two colours.
const MODULE: usize = 8;

/// How much is left blank around a code, in modules (ISO/IEC 18004).
const QUIET: usize = 4;

/// As lines, which any size suits.
///
/// # Errors
/// [`NotDrawn`].
pub fn svg(payload: &str) -> Result<String, NotDrawn> {
    Ok(code(payload)?.render::<svg::Color>().build())
}

/// As pixels, black and white.
///
/// # Errors
/// [`NotDrawn`].
pub fn png(payload: &str) -> Result<Vec<u8>, NotDrawn> {
    let code = code(payload)?;
    let width = code.width();
    let blank = vec![u8::MAX; QUIET];
    let row = |modules: &[Color]| {
        let modules = modules.iter().map(|module| module.select(0, u8::MAX));
        [&*blank, &*modules.collect::<Vec<u8>>(), &*blank].concat().repeat(MODULE)
    };
    let margin = row(&vec![Color::Light; width]).repeat(QUIET);
    let modules: Vec<u8> = code.to_colors().chunks(width).flat_map(row).collect();
    let side = u32::try_from((width + 2 * QUIET) * MODULE).map_err(|_| NotDrawn)?;
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().map_err(|_| NotDrawn)?;
    let written = writer.write_image_data(&[&*margin, &*modules, &*margin].concat());
    written.and_then(|()| writer.finish()).map_err(|_| NotDrawn)?;
    Ok(picture)
}

/// A scratch on a screen, or a finger on it, hides no ticket: 15 in a hundred of it may be unreadable.
fn code(payload: &str) -> Result<QrCode, NotDrawn> {
    QrCode::with_error_correction_level(payload, EcLevel::M).map_err(|_| NotDrawn)
}

/// There is no picture of it: it is longer than any payload of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload can't be drawn")]
pub struct NotDrawn;

impl Fault for NotDrawn {
    fn code(&self) -> Code {
        domain::codes::INTERNAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scanner reads of a square picture.
    fn read(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
        let shade = |x, y| if is_dark(x, y) { 0 } else { u8::MAX };
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, shade);
        let [code] = &picture.detect_grids()[..] else { panic!("one code") };
        code.decode().unwrap().1
    }

    #[test]
    fn a_scanner_reads_the_payload_of_the_png() {
        let payload = "a-payload.of-two_parts".repeat(11);
        let bytes = png(&payload).unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(&bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let shape = reader.next_frame(&mut pixels).unwrap();
        let side = shape.width as usize;
        assert_eq!((shape.height as usize, shape.bit_depth), (side, png::BitDepth::One));
        let is_dark =
            |x: usize, y: usize| pixels[y * shape.line_size + x / 8] & (0x80 >> (x % 8)) == 0;
        assert_eq!(read(side, is_dark), payload);
        assert!(bytes.len() < 4_096, "{}", bytes.len());
    }

    #[test]
    fn a_scanner_reads_the_payload_of_the_svg() {
        let payload = "a-payload.of-two_parts".repeat(11);
        let picture = svg(&payload).unwrap();
        assert!(picture.starts_with("<?xml") && picture.contains("<svg"), "{picture}");
        // A square for each dark module: `M8 8h8v8H8V8`.
        let path = picture.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let corner = |square: &str| -> Option<(usize, usize)> {
            let (x, y) = square.split('h').next()?.split_once(' ')?;
            Some((x.parse().ok()?, y.parse().ok()?))
        };
        let squares: Vec<_> = path.split('M').filter_map(corner).collect();
        let unit = squares[0].0 / QUIET;
        let side = (code(&payload).unwrap().width() + 2 * QUIET) * unit;
        let is_dark = |x: usize, y: usize| squares.contains(&(x / unit * unit, y / unit * unit));
        assert_eq!(read(side, is_dark), payload);
    }
}
