package main

import (
	"fmt"
	"regexp"
	"strconv"
)

func answerRegexp(asked question) (*answer, error) {
	op, err := asked.text("op")
	if err != nil {
		return nil, err
	}
	pattern, err := asked.text("pattern")
	if err != nil {
		return nil, err
	}
	subject, err := asked.text("subject")
	if err != nil {
		return nil, err
	}
	replacement, err := asked.text("replacement")
	if err != nil {
		return nil, err
	}
	n, err := asked.number("n", -1)
	if err != nil {
		return nil, err
	}
	if op == "quote_meta" {
		return output(regexp.QuoteMeta(subject)), nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return failed(err), nil
	}
	switch op {
	case "compile":
		return output(""), nil
	case "match":
		return output(strconv.FormatBool(compiled.MatchString(subject))), nil
	case "find":
		return output(compiled.FindString(subject)), nil
	case "find_all":
		return new(answer).texts("outputs", compiled.FindAllString(subject, n)), nil
	case "replace":
		return output(compiled.ReplaceAllString(subject, replacement)), nil
	case "replace_literal":
		return output(compiled.ReplaceAllLiteralString(subject, replacement)), nil
	case "split":
		return new(answer).texts("outputs", compiled.Split(subject, n)), nil
	}
	return nil, fmt.Errorf("unknown op %q", op)
}
