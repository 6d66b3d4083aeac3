package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

func answerJSON(asked question) (*answer, error) {
	op, err := asked.text("op")
	if err != nil {
		return nil, err
	}
	text, err := asked.text("json")
	if err != nil {
		return nil, err
	}
	switch op {
	case "members":
		return jsonMembers(text)
	case "string":
		var decoded string
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			return failed(err), nil
		}
		return output(decoded), nil
	}

	var decoded any
	if err := json.Unmarshal([]byte(text), &decoded); err != nil {
		return failed(err), nil
	}
	var written []byte
	switch op {
	case "decode_encode":
		written, err = json.Marshal(decoded)
	case "pretty":
		written, err = json.MarshalIndent(decoded, "", "  ")
	case "raw":
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		err = encoder.Encode(decoded)
		written = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	default:
		return nil, fmt.Errorf("unknown op %q", op)
	}
	if err != nil {
		return failed(err), nil
	}
	return output(string(written)), nil
}

// jsonMembers is how ESO's providers take an object apart: strings by their value, the rest by
// their text.
func jsonMembers(text string) (*answer, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return failed(err), nil
	}
	decoded := make(map[string][]byte, len(members))
	for key, member := range members {
		var value string
		if err := json.Unmarshal(member, &value); err == nil {
			decoded[key] = []byte(value)
		} else {
			decoded[key] = member
		}
	}
	return new(answer).value("members_base64", decoded), nil
}

func answerYAML(asked question) (*answer, error) {
	op, err := asked.text("op")
	if err != nil {
		return nil, err
	}
	if op == "write" {
		text, err := asked.text("json")
		if err != nil {
			return nil, err
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return nil, err
		}
		written, err := yaml.Marshal(value)
		if err != nil {
			return failed(err), nil
		}
		return output(string(written)), nil
	}

	text, err := asked.text("yaml")
	if err != nil {
		return nil, err
	}
	var read any
	switch op {
	case "read":
		var value any
		err = yaml.Unmarshal([]byte(text), &value)
		read = value
	case "read_map":
		value := map[string]any{}
		err = yaml.Unmarshal([]byte(text), &value)
		read = value
	case "read_strings":
		value := map[string]string{}
		err = yaml.Unmarshal([]byte(text), &value)
		read = value
	default:
		return nil, fmt.Errorf("unknown op %q", op)
	}
	if err != nil {
		return failed(err), nil
	}
	var written strings.Builder
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(read); err != nil {
		return failed(err), nil
	}
	return output(strings.TrimSuffix(written.String(), "\n")), nil
}
