//! Options, handed over flat.

use std::cell::RefCell;

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::engine;
use crate::engine::ConfigError;

/// Collects the options of a manager. Every method throws `{ option, message }` for what cannot be used.
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Options(RefCell<engine::Options>);

#[wasm_bindgen]
impl Options {
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a duration in milliseconds, a count, or a switch (0 or 1).
    pub fn number(&self, name: &str, value: f64) -> Result<(), JsValue> {
        self.0.borrow_mut().number(name, value).map_err(thrown)
    }

    /// Sets a text.
    pub fn text(&self, name: &str, value: String) -> Result<(), JsValue> {
        self.0.borrow_mut().text(name, value).map_err(thrown)
    }

    /// Adds a name and a value to a list.
    pub fn pair(&self, name: &str, key: String, value: String) -> Result<(), JsValue> {
        self.0.borrow_mut().pair(name, key, value).map_err(thrown)
    }
}

impl Options {
    pub(super) fn into_config(self) -> Result<engine::Config, JsValue> {
        self.0.into_inner().into_config().map_err(thrown)
    }
}

fn thrown(error: ConfigError) -> JsValue {
    plain(&[("option", &error.option), ("message", &error.expected)])
}

/// An object of texts.
pub(super) fn plain(members: &[(&str, &str)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // A fresh plain object takes every property.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    object.into()
}
