//! Why a value cannot be used. No message holds a value; keys are names, and are shown.

/// What is wrong with a value, or with what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The provider answered with neither text nor bytes.
    #[error("invalid secret received. no secret string nor binary for key: {0}")]
    Empty(String),
    /// The property is not there.
    #[error("key {property} does not exist in secret {key}{hint}")]
    NoProperty {
        /// `remoteRef.property`
        property: String,
        /// `remoteRef.key`
        key: String,
        /// What there is instead; empty, or begins with `: `.
        hint: String,
    },
    /// Looking the property up takes more than a lookup may.
    #[error("property {property:?} of secret {key}: {limit}")]
    TooMuch {
        /// `remoteRef.property`
        property: String,
        /// `remoteRef.key`
        key: String,
        /// The limit.
        limit: gjson::LimitExceeded,
    },
    /// `extract` needs a JSON object.
    #[error("unable to unmarshal secret {key}: {cause}")]
    NotAnObject {
        /// `remoteRef.key`
        key: String,
        /// What it is.
        cause: String,
    },
    /// A strategy or policy with a value that the API does not have.
    #[error("unknown {field} {value:?}: use {known}")]
    Unknown {
        /// The field.
        field: &'static str,
        /// As it was written.
        value: String,
        /// What it may be.
        known: String,
    },
    /// Two keys become one.
    #[error(
        "{step}: the keys {first:?} and {second:?} both become {key:?}: one of the two values would be lost"
    )]
    Collision {
        /// What made them the same.
        step: String,
        /// The key that both become.
        key: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
    /// A key that no Secret can have.
    #[error(
        "invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): {cause}: \
         {key:?}"
    )]
    Key {
        /// The key, shortened if it is too long.
        key: String,
        /// What is wrong with it, in ESO's words where ESO sees it.
        cause: String,
    },
    /// The value is not encoded as `decodingStrategy` says.
    #[error(
        "error applying decoding strategy {strategy} to data: failure decoding key {key}: illegal \
         base64 data at input byte {at}"
    )]
    Decode {
        /// The strategy.
        strategy: &'static str,
        /// The key of the value.
        key: String,
        /// Offset of the first byte that does not fit, as Go counts it.
        at: usize,
    },
    /// A zero byte where `nullBytePolicy` forbids it.
    #[error("the value of {0:?} holds a null byte, which nullBytePolicy Fail forbids")]
    NullByte(String),
    /// A regular expression that Go does not take.
    #[error("{field}: {cause}")]
    Regexp {
        /// The field it stands in.
        field: String,
        /// Go's words.
        cause: String,
    },
    /// A rewrite that cannot be applied.
    #[error("error applying rewrite to keys: failed rewrite operation[{index}]: {cause}")]
    Rewrite {
        /// Which one.
        index: usize,
        /// Why.
        cause: String,
    },
    /// `find` without a criterion.
    #[error("unexpected find operator: set find.name.regexp or find.tags")]
    FindOperator,
}
