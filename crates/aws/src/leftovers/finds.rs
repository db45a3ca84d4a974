//! What the ways of looking have found so far: an object that several ways find is one object, and the first reason stays.

use std::collections::BTreeMap;

use landing_engine::{CallError, Class};

use super::{Left, Leftover, Unchecked};

#[derive(Default)]
pub(super) struct Finds {
    objects: BTreeMap<(String, String), Leftover>,
    unchecked: BTreeMap<String, CallError>,
}

impl Finds {
    pub(super) fn add(&mut self, found: Leftover) {
        self.objects.entry((found.kind.clone(), found.id.clone())).or_insert(found);
    }

    pub(super) fn knows(&self, kind: &str, id: &str) -> bool {
        self.objects.contains_key(&(kind.to_owned(), id.to_owned()))
    }

    pub(super) fn of_kind(&self, kind: &str) -> Vec<Leftover> {
        self.objects.values().filter(|found| found.kind == kind).cloned().collect()
    }

    /// The answer, or the note that nobody knows it.
    pub(super) fn answer<T: Default>(&mut self, what: &str, answer: Result<T, CallError>) -> T {
        answer.unwrap_or_else(|error| {
            self.unchecked.entry(what.to_owned()).or_insert(error);
            T::default()
        })
    }

    pub(super) fn left(self) -> Left {
        let places = self.unchecked.into_iter().map(|(what, error)| Unchecked { what, error });
        let (unserved, unchecked) = places.partition(|place| place.error.class == Class::Unserved);
        Left { objects: self.objects.into_values().collect(), unchecked, unserved }
    }
}
