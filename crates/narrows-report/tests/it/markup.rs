//! A reader for the markup that this crate writes: tags, attributes, nesting.

/// One opening tag.
pub(crate) struct Tag<'a> {
    pub(crate) name: &'a str,
    rest: &'a str,
    end: usize,
}

impl<'a> Tag<'a> {
    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes().into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// All attributes, in order; every value is quoted.
    pub(crate) fn attributes(&self) -> Vec<(&'a str, &'a str)> {
        let mut found = Vec::new();
        let mut rest = self.rest;
        while let Some((name, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("a closing quote");
            found.push((name.trim(), value));
            rest = after;
        }
        found
    }
}

/// Every opening tag of the page.
pub(crate) fn tags(page: &str) -> Vec<Tag<'_>> {
    events(page).into_iter().filter_map(|(tag, closing)| (!closing).then_some(tag)).collect()
}

/// The text directly behind a tag.
pub(crate) fn text_after<'a>(page: &'a str, tag: &Tag<'_>) -> &'a str {
    let rest = &page[tag.end..];
    rest[..rest.find('<').unwrap_or(rest.len())].trim()
}

/// Panics unless every tag is closed in order.
pub(crate) fn check_nesting(page: &str) {
    let mut open = Vec::new();
    for (tag, closing) in events(page) {
        if closing {
            assert_eq!(open.pop(), Some(tag.name), "before byte {}", tag.end);
        } else if !(["meta", "img", "br"].contains(&tag.name) || tag.rest.ends_with('/')) {
            open.push(tag.name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn events(page: &str) -> Vec<(Tag<'_>, bool)> {
    let mut found = Vec::new();
    let mut at = page.find("<html").expect("an html element");
    while let Some(start) = page[at..].find('<') {
        let start = at + start + 1;
        let end = start + page[start..].find('>').expect("a closing bracket");
        let inside = &page[start..end];
        let (closing, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
        let (name, rest) = inside.split_once(|c: char| c.is_whitespace()).unwrap_or((inside, ""));
        found.push((Tag { name, rest, end: end + 1 }, closing));
        at = end + 1;
    }
    found
}
