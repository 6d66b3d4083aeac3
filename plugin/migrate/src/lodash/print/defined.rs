//! Templates inside the template, for what Go says differently than JavaScript.

use std::collections::BTreeSet;

use super::go::Piece;

/// One of them. They stand at the beginning of a text that uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    /// Prints a value as lodash does: nothing for nil.
    Print,
    /// `String(.value)` into `.text`; for nil it is `.nil`, without which nil fails: it may be null
    /// or undefined.
    Text,
    /// Prints `String(o[k])` of a list of both, with null and undefined told apart.
    Member,
    /// `Number(.value)` into `.number`, which may be NaN; for nil as in `Text`. Fails for lists, and
    /// where a text may be a number of a kind that Go reads otherwise.
    Number,
    /// `JSON.stringify(.value, null, .step)` into `.text`.
    Pretty,
    /// What is in the JSON text `.value`, into `.ordered`, with a number before each key by which
    /// keys sort as JavaScript orders them: numbers first, then as they are written.
    Ordered,
    /// Prints `_.escape` of a value.
    Escape,
    /// What Node's Buffer reads from base64 in `.value`, into `.text`.
    Base64,
    /// Fails where JSON has a number that is infinite in JavaScript, and may be: Go cannot read it.
    Finite,
}

/// Why [`Helper::Finite`] fails.
pub(super) const TOO_LARGE_IN_JSON: &str = "a number in JSON is too large";

impl Helper {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Print => "js",
            Self::Text => "jsText",
            Self::Member => "jsMember",
            Self::Number => "jsNumber",
            Self::Pretty => "jsIndented",
            Self::Ordered => "jsOrdered",
            Self::Escape => "jsEscape",
            Self::Base64 => "jsBase64",
            Self::Finite => "jsFinite",
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::Print => {
                r#"{{ if kindIs "slice" . }}{{ range $i, $e := . }}{{ if $i }},{{ end }}{{ template "js" $e }}{{ end }}{{ else if kindIs "map" . }}[object Object]{{ else if kindIs "float64" . }}{{ if eq . 0.0 }}0{{ else }}{{ toRawJson . }}{{ end }}{{ else if not (kindIs "invalid" .) }}{{ . }}{{ end }}"#
            }
            Self::Text => {
                r#"{{ $v := get . "value" }}{{ if kindIs "string" $v }}{{ $_ := set . "text" $v }}{{ else if kindIs "slice" $v }}{{ $p := list }}{{ range $v }}{{ if kindIs "invalid" . }}{{ $p = append $p "" }}{{ else }}{{ $d := dict "value" . }}{{ template "jsText" $d }}{{ $p = append $p (get $d "text") }}{{ end }}{{ end }}{{ $_ := set . "text" (join (ternary (get . "separator") "," (hasKey . "separator")) $p) }}{{ else if kindIs "map" $v }}{{ $_ := set . "text" "[object Object]" }}{{ else if kindIs "float64" $v }}{{ $_ := set . "text" (ternary "0" (toRawJson $v) (eq $v 0.0)) }}{{ else if not (kindIs "invalid" $v) }}{{ $_ := set . "text" (toString $v) }}{{ else if hasKey . "nil" }}{{ $_ := set . "text" (get . "nil") }}{{ else }}{{ fail "E07: a value is null or missing" }}{{ end }}"#
            }
            Self::Member => {
                r#"{{ $v := index (index . 0) (index . 1) }}{{ if kindIs "invalid" $v }}{{ ternary "null" "undefined" (hasKey (index . 0) (index . 1)) }}{{ else }}{{ template "js" $v }}{{ end }}"#
            }
            Self::Number => {
                r#"{{ $v := get . "value" }}{{ $n := float64 "NaN" }}{{ if kindIs "float64" $v }}{{ $n = $v }}{{ else if kindIs "bool" $v }}{{ $n = ternary 1.0 0.0 $v }}{{ else if kindIs "string" $v }}{{ $s := trim $v }}{{ if regexMatch "[^\\x00-\\x7f]" $v }}{{ fail "E07: a value is not a plain number" }}{{ else if eq $s "" }}{{ $n = 0.0 }}{{ else if regexMatch "^[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?$" $s }}{{ if or (gt (len $s) 200) (regexMatch "[eE][-+]?[0-9]{3}" $s) }}{{ fail "E07: a number is too large" }}{{ end }}{{ $n = float64 $s }}{{ else if regexMatch "^(?:[-+]?Infinity$|0[xXoObB])" $s }}{{ fail "E07: a value is not a plain number" }}{{ end }}{{ else if kindIs "slice" $v }}{{ fail "E07: a value is not a number" }}{{ else if not (kindIs "invalid" $v) }}{{ else if hasKey . "nil" }}{{ $n = get . "nil" }}{{ else }}{{ fail "E07: a value is null or missing" }}{{ end }}{{ $_ := set . "number" $n }}"#
            }
            Self::Pretty => {
                r#"{{ $v := get . "value" }}{{ $in := print (get . "indent") (get . "step") }}{{ $step := get . "step" }}{{ $p := list }}{{ if and (kindIs "map" $v) $v }}{{ range $k, $e := $v }}{{ $d := dict "value" $e "indent" $in "step" $step }}{{ template "jsIndented" $d }}{{ $p = append $p (print $in (toRawJson $k) ": " (get $d "text")) }}{{ end }}{{ $_ := set . "text" (print "{\n" (join ",\n" $p) "\n" (get . "indent") "}") }}{{ else if and (kindIs "slice" $v) $v }}{{ range $v }}{{ $d := dict "value" . "indent" $in "step" $step }}{{ template "jsIndented" $d }}{{ $p = append $p (print $in (get $d "text")) }}{{ end }}{{ $_ := set . "text" (print "[\n" (join ",\n" $p) "\n" (get . "indent") "]") }}{{ else }}{{ $_ := set . "text" (toRawJson $v) }}{{ end }}"#
            }
            Self::Ordered => {
                r#"{{ template "jsFinite" (get . "value") }}{{ $v := get . "value" | mustFromJson }}{{ $p := list }}{{ range $i, $t := regexFindAll "\"(?:[^\"\\\\]|\\\\.)*\"[ \\t\\r\\n]*:?|[^\"]+" (get . "value") -1 }}{{ if hasSuffix ":" $t }}{{ $k := trimSuffix ":" $t | mustFromJson }}{{ if not (regexMatch "^(?:0|[1-9][0-9]*)$" $k) }}{{ $k = printf "1%011d#%s" $i $k }}{{ else if lt (len $k) 10 }}{{ $k = printf "0%011d#%s" (int $k) $k }}{{ else }}{{ fail "E07: a key is a large number" }}{{ end }}{{ $t = print (toRawJson $k) ":" }}{{ end }}{{ $p = append $p $t }}{{ end }}{{ $o := join "" $p | mustFromJson }}{{ if ne (len (toRawJson $v)) (len (regexReplaceAll "\"[01][0-9]+#((?:[^\"\\\\]|\\\\.)*)\":" (toRawJson $o) "\"$1\":")) }}{{ fail "E07: an object has a member twice" }}{{ end }}{{ $_ := set . "ordered" $o }}"#
            }
            Self::Escape => {
                r#"{{ if kindIs "string" . }}{{ . | replace "&" "&amp;" | replace "<" "&lt;" | replace ">" "&gt;" | replace "\"" "&quot;" | replace "'" "&#39;" }}{{ else if kindIs "slice" . }}{{ range $i, $e := . }}{{ if $i }},{{ end }}{{ if kindIs "invalid" $e }}null{{ else }}{{ template "jsEscape" $e }}{{ end }}{{ end }}{{ else if kindIs "map" . }}[object Object]{{ else if kindIs "float64" . }}{{ toRawJson . }}{{ else if not (kindIs "invalid" .) }}{{ . }}{{ end }}"#
            }
            Self::Base64 => {
                r#"{{ $s := get . "value" | replace "-" "+" | replace "_" "/" }}{{ if regexMatch "=[^=]*[A-Za-z0-9+/]" $s }}{{ fail "E07: a value is not base64" }}{{ end }}{{ $s = regexReplaceAllLiteral "[^A-Za-z0-9+/]" $s "" }}{{ $n := mod (len $s) 4 }}{{ if eq $n 1 }}{{ $s = trunc (int (sub (len $s) 1)) $s }}{{ else if eq $n 2 }}{{ $s = print $s "==" }}{{ else if eq $n 3 }}{{ $s = print $s "=" }}{{ end }}{{ $s = b64dec $s }}{{ if ne $s (toRawJson $s | mustFromJson) }}{{ fail "E07: a value in base64 is not text" }}{{ end }}{{ $_ := set . "text" $s }}"#
            }
            // What stands in strings is no number, and JavaScript's largest is read by both.
            Self::Finite => {
                r#"{{ $s := regexReplaceAllLiteral "\"(?:[^\"\\\\]|\\\\.)*\"|\\b1[.]7976931348623157[eE][+]?308" . "\"\"" }}{{ if regexMatch "[eE][+]?0*(?:30[89]|3[1-9][0-9]|[4-9][0-9]{2}|[1-9][0-9]{3})|(?:^|[^.0-9])[0-9]{2,}(?:[.][0-9]*)?[eE][+]?0*[23][0-9]{2}|[0-9]{100}" $s }}{{ fail "E07: a number in JSON is too large" }}{{ end }}"#
            }
        }
    }

    /// What it calls.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Member => &[Self::Print],
            Self::Ordered => &[Self::Finite],
            _ => &[],
        }
    }
}

/// The definitions of helpers, in a fixed order.
pub(super) fn definitions(helpers: &BTreeSet<Helper>) -> Vec<Piece> {
    let mut all = helpers.clone();
    all.extend(helpers.iter().flat_map(|helper| helper.needs()));
    let mut pieces = Vec::new();
    for helper in all {
        pieces.push(Piece::Action(format!("define \"{}\"", helper.name())));
        pieces.extend(actions(helper.body()));
        pieces.push(Piece::Action("end".to_owned()));
    }
    pieces
}

/// Cuts a text of ours at its actions, none of which holds a brace.
fn actions(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for part in text.split_inclusive(" }}") {
        let Some((before, action)) = part.split_once("{{ ") else {
            pieces.push(Piece::Text(part.to_owned()));
            continue;
        };
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Action(action.strip_suffix(" }}").unwrap_or(action).to_owned()));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lodash::print::go;

    #[test]
    fn the_text_of_a_helper_is_cut_without_loss() {
        for helper in [
            Helper::Print,
            Helper::Text,
            Helper::Member,
            Helper::Number,
            Helper::Pretty,
            Helper::Ordered,
            Helper::Escape,
            Helper::Base64,
            Helper::Finite,
        ] {
            let body = helper.body();
            assert_eq!(go::join(&actions(body), false), body);
            assert!(!body.contains('`'), "an action may have to stand in a raw string");
        }
        assert!(Helper::Finite.body().contains(TOO_LARGE_IN_JSON));
    }
}
