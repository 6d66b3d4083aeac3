package main

import (
	"strings"

	"github.com/tidwall/gjson"
)

func answerGjson(asked question) (*answer, error) {
	text, err := asked.text("json")
	if err != nil {
		return nil, err
	}
	path, err := asked.text("path")
	if err != nil {
		return nil, err
	}
	found := gjson.Get(text, path)
	return output(found.String()).
		text("raw", found.Raw).
		value("exists", found.Exists()).
		value("type", strings.ToLower(found.Type.String())), nil
}
