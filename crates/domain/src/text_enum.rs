use thiserror::Error;

/// A stored or received word that names no variant.
#[derive(Debug, Error)]
#[error("{word:?} is not a known {kind}")]
pub struct UnknownWord {
    /// What the word should have named, for the message.
    pub kind: &'static str,
    /// The word itself.
    pub word: String,
}

/// Declares an enum whose variants travel as words: in JSON, in columns, in messages.
/// The comments go into the documents that describe our API.
macro_rules! text_enum {
    ($(#[doc = $doc:literal])+ $name:ident ($kind:literal) {
        $($(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal,)+
    }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[doc = $variant_doc])+ #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the word this variant travels as.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownWord { kind: $kind, word: word.to_owned() }),
                }
            }
        }

        $crate::schema::in_json!($name, false, {
            "type": "string",
            "enum": [$($word),+],
            "description": concat!($($doc, "\n",)+ $("\n- `", $word, "`:", $($variant_doc,)+)+)
                .trim(),
        });
    };
}
pub(crate) use text_enum;
