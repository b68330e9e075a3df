//! JSON as it is written: duplicate fields, and numbers and strings in the characters that they came in. A second reader,
//! independent of the one that is tested, and a tree that can be mutilated.

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number, string or word, as written.
    Raw(String),
    List(Vec<Node>),
    /// Keys as written, without their quotes.
    Map(Vec<(String, Node)>),
}

/// Deeper documents are not judged, only survived.
const DEEPEST: usize = 200;

impl Node {
    /// `None` where it is no JSON, or deeper than is judged. Lenient about numbers, strict about structure.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader { text, at: 0 };
        let node = reader.value(0)?;
        reader.space();
        (reader.at == text.len()).then_some(node)
    }

    /// The one field of that name.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Map(fields) = self else { return None };
        fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub fn items(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub fn is_map(&self) -> bool {
        matches!(self, Self::Map(_))
    }

    pub fn raw(&self) -> Option<&str> {
        if let Self::Raw(text) = self { Some(text) } else { None }
    }

    /// A string without its quotes; `None` for other values, and for strings with escapes, which are not judged.
    pub fn plain(&self) -> Option<&str> {
        let text = self.raw()?.strip_prefix('"')?.strip_suffix('"')?;
        (!text.contains('\\')).then_some(text)
    }

    /// Whether it is a string with escapes, whose words cannot be compared.
    pub fn has_escapes(&self) -> bool {
        self.is_string() && self.plain().is_none()
    }

    pub fn is_string(&self) -> bool {
        self.raw().is_some_and(|text| text.starts_with('"'))
    }

    pub fn is_number(&self) -> bool {
        self.raw().is_some_and(|text| text.starts_with(|c: char| c == '-' || c.is_ascii_digit()))
    }

    /// Whether any key is written with an escape: then names cannot be compared.
    pub fn has_escaped_keys(&self) -> bool {
        match self {
            Self::Raw(_) => false,
            Self::List(items) => items.iter().any(Self::has_escaped_keys),
            Self::Map(fields) => {
                fields.iter().any(|(key, value)| key.contains('\\') || value.has_escaped_keys())
            }
        }
    }

    pub fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { "," });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    out.push_str(if at == 0 { "\"" } else { ",\"" });
                    out.push_str(key);
                    out.push_str("\":");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => self.map(depth),
            b'[' => self.list(depth),
            b'"' => Some(Node::Raw(format!("\"{}\"", self.string()?))),
            _ => {
                let start = self.at;
                while matches!(
                    self.peek(),
                    Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')
                ) {
                    self.at += 1;
                }
                (self.at > start).then(|| Node::Raw(self.text[start..self.at].to_owned()))
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.eat(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        let text = self.text.get(start..self.at)?.to_owned();
        self.at += 1;
        Some(text)
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        self.eat(b'[')?;
        let mut items = Vec::new();
        if self.eat(b']').is_some() {
            return Some(Node::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(b']').is_some() {
                return Some(Node::List(items));
            }
            self.eat(b',')?;
        }
    }

    fn map(&mut self, depth: usize) -> Option<Node> {
        self.eat(b'{')?;
        let mut fields = Vec::new();
        if self.eat(b'}').is_some() {
            return Some(Node::Map(fields));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.eat(b':')?;
            fields.push((key, self.value(depth + 1)?));
            if self.eat(b'}').is_some() {
                return Some(Node::Map(fields));
            }
            self.eat(b',')?;
        }
    }
}
