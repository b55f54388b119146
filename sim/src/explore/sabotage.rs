//! Worlds that are broken on purpose, to show that an exploration finds what is broken. The engine itself is never
//! touched: what is broken lies between it and the world, or is taken from it.

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sabotage {
    #[default]
    Nothing,
}
