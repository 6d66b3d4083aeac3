package main

import (
	"fmt"
	"text/template"
	"time"

	texttime "extsecret.test/oracle/time"
)

// textTimes are the functions that print with verbs of a template's choice, for cases that ask for
// `text_times`.
var textTimes = template.FuncMap{
	"printf": func(format string, values ...any) string {
		for i, value := range values {
			values[i] = withTextTimes(value)
		}
		return fmt.Sprintf(format, values...)
	},
}

// withTextTimes replaces times, also those in the lists and maps that a template can put them into.
func withTextTimes(value any) any {
	switch value := value.(type) {
	case time.Time:
		return texttime.Of(value)
	case []any:
		if value == nil {
			return value
		}
		list := make([]any, len(value))
		for i, item := range value {
			list[i] = withTextTimes(item)
		}
		return list
	case [][]any:
		if value == nil {
			return value
		}
		lists := make([][]any, len(value))
		for i, list := range value {
			lists[i], _ = withTextTimes(list).([]any)
		}
		return lists
	case map[string]any:
		if value == nil {
			return value
		}
		dict := make(map[string]any, len(value))
		for key, item := range value {
			dict[key] = withTextTimes(item)
		}
		return dict
	}
	return value
}
