// Package time has a time that is printed by its text alone, as the engine prints it.
//
// What is printed names the type with the name of this package, hence its name.
package time

import (
	"sync"
	gotime "time"
)

// Time is what the String method of a time says. A verb that does not fit shows this text, where it
// shows the inner fields of Go's time, and the address of its zone.
type Time string

// goStrings has what %#v prints, by text. Two times of one text may differ in that: the later one
// wins, and the answer is then nobody's.
var goStrings sync.Map

// Of makes it.
func Of(moment gotime.Time) Time {
	text := Time(moment.String())
	goStrings.Store(text, moment.GoString())
	return text
}

// GoString is what %#v prints.
func (t Time) GoString() string {
	text, _ := goStrings.Load(t)
	said, _ := text.(string)
	return said
}
