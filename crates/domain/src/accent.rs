use crate::text_enum::text_enum;

text_enum! {
    /// The colour of an application on the pages that its end users see. Each is readable, on light
    /// and on dark.
    Accent("accent") {
        /// The product's own ink.
        Neutral = "neutral",
        /// A dark green blue.
        Petrol = "petrol",
        /// Blue.
        Blue = "blue",
        /// Violet.
        Violet = "violet",
        /// Rose.
        Rose = "rose",
        /// A dark orange.
        Rust = "rust",
        /// A dark green.
        Moss = "moss",
        /// Grey.
        Slate = "slate",
    }
}
