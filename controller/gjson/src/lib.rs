//! gjson's path language, which `remoteRef.property` is written in: the value at a path of a JSON
//! text, as raw text, so that order, duplicate keys and the digits of numbers stay as they are.
