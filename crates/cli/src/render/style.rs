//! Colours, never alone: every coloured word is a word.

use anstyle::{AnsiColor, Style};

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

fn colour(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into()))
}

pub(crate) fn good(text: &str) -> String {
    paint(colour(AnsiColor::Green), text)
}

pub(crate) fn change(text: &str) -> String {
    paint(colour(AnsiColor::Yellow), text)
}

pub(crate) fn bad(text: &str) -> String {
    paint(colour(AnsiColor::Red), text)
}

pub(crate) fn error(text: &str) -> String {
    paint(colour(AnsiColor::Red).bold(), text)
}

pub(crate) fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

pub(crate) fn bold(text: &str) -> String {
    paint(Style::new().bold(), text)
}
