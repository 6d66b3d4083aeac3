// Program oracle answers what Go's own libraries make of templates, paths, patterns and documents.
//
// External Secrets Operator is a Go program, so these libraries decide what is right. Each line of
// stdin is a JSON object, a case; the same object with the answer in it is written to stdout.
// See README.md for what each mode reads and writes.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// question is a case: any mode's fields.
type question map[string]json.RawMessage

// answer is what is added to a case. Names that hold bytes get "_base64" when they are not UTF-8.
type answer struct {
	names  []string
	values []any
}

var modes = map[string]func(question) (*answer, error){
	"base64":   answerBase64,
	"gjson":    answerGjson,
	"hash":     answerHash,
	"json":     answerJSON,
	"regexp":   answerRegexp,
	"template": answerTemplate,
	"verify":   answerVerify,
	"yaml":     answerYAML,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "functions" {
		listFunctions()
		return
	}
	var mode func(question) (*answer, error)
	if len(os.Args) == 2 {
		mode = modes[os.Args[1]]
	}
	if mode == nil {
		fmt.Fprintln(os.Stderr, "usage: oracle base64|functions|gjson|hash|json|regexp|template|verify|yaml < CASES")
		os.Exit(2)
	}
	if err := answerLines(os.Stdin, os.Stdout, mode); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// answerLines flushes after every line, so that a peer may ask one by one.
func answerLines(in io.Reader, out io.Writer, mode func(question) (*answer, error)) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	written := bufio.NewWriter(out)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		line = bytes.TrimSpace(line)
		if len(line) > 0 {
			completed, failed := answerLine(line, mode)
			if failed != nil {
				return fmt.Errorf("line %d: %w", number, failed)
			}
			if _, err := written.Write(append(completed, '\n')); err != nil {
				return err
			}
			if lines.Buffered() == 0 {
				if err := written.Flush(); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return written.Flush()
		}
	}
}

// answerLine keeps the text of the case as it is and adds the answer behind it.
func answerLine(line []byte, mode func(question) (*answer, error)) ([]byte, error) {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return nil, err
	}
	added, err := ask(mode, asked)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(bytes.TrimSuffix(line, []byte("}")))
	for i, name := range added.names {
		if len(asked)+i > 0 {
			body = append(body, ',')
		}
		value, err := encode(added.values[i])
		if err != nil {
			return nil, err
		}
		body = append(body, '"')
		body = append(body, name...)
		body = append(body, '"', ':')
		body = append(body, value...)
	}
	return append(body, '}'), nil
}

// patience is how long a case may take. Only generated ones take longer: a template that calls
// itself from a loop ends at 100,000 levels, and Go goes through all of them for each on its way back.
const patience = 20 * time.Second

// ask turns a panic of a library into an answer: ESO would crash there, or recover.
func ask(mode func(question) (*answer, error), asked question) (*answer, error) {
	type outcome struct {
		added *answer
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if recovered := recover(); recovered != nil {
				done <- outcome{added: new(answer).text("panic", fmt.Sprint(recovered))}
			}
		}()
		added, err := mode(asked)
		done <- outcome{added, err}
	}()
	select {
	case ended := <-done:
		return ended.added, ended.err
	case <-time.After(patience):
		return new(answer).value("late", true), nil
	}
}

func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// value adds anything that JSON can show.
func (a *answer) value(name string, value any) *answer {
	a.names = append(a.names, name)
	a.values = append(a.values, value)
	return a
}

// text adds bytes.
func (a *answer) text(name, text string) *answer {
	if utf8.ValidString(text) {
		return a.value(name, text)
	}
	return a.value(name+"_base64", base64.StdEncoding.EncodeToString([]byte(text)))
}

// texts adds a list of bytes; nil is null.
func (a *answer) texts(name string, texts []string) *answer {
	valid := true
	encoded := make([]string, len(texts))
	for i, text := range texts {
		valid = valid && utf8.ValidString(text)
		encoded[i] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	if valid {
		return a.value(name, texts)
	}
	return a.value(name+"_base64", encoded)
}

func failed(err error) *answer {
	return new(answer).text("error", err.Error())
}

func output(text string) *answer {
	return new(answer).text("output", text)
}

// has tells whether the case has a field, under either name.
func (q question) has(name string) bool {
	_, plain := q[name]
	_, encoded := q[name+"_base64"]
	return plain || encoded
}

// text reads a field, or its "_base64" sibling; it is empty if neither is there.
func (q question) text(name string) (string, error) {
	if raw, ok := q[name+"_base64"]; ok {
		var text []byte
		err := json.Unmarshal(raw, &text)
		return string(text), err
	}
	var text string
	raw, ok := q[name]
	if !ok {
		return "", nil
	}
	err := json.Unmarshal(raw, &text)
	return text, err
}

// number reads a field that is a whole number.
func (q question) number(name string, absent int) (int, error) {
	raw, ok := q[name]
	if !ok {
		return absent, nil
	}
	var number int
	err := json.Unmarshal(raw, &number)
	return number, err
}

// texts reads a map of strings, together with its "_base64" sibling.
func (q question) texts(name string) (map[string]string, error) {
	texts := map[string]string{}
	if raw, ok := q[name]; ok {
		if err := json.Unmarshal(raw, &texts); err != nil {
			return nil, err
		}
	}
	if raw, ok := q[name+"_base64"]; ok {
		var encoded map[string][]byte
		if err := json.Unmarshal(raw, &encoded); err != nil {
			return nil, err
		}
		for key, value := range encoded {
			texts[key] = string(value)
		}
	}
	return texts, nil
}
