package main

import (
	"crypto/sha3"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// answerHash gives ESO's hash of a Secret's data, of an object's metadata, or of a text.
func answerHash(asked question) (*answer, error) {
	switch {
	case asked.has("data"):
		texts, err := asked.texts("data")
		if err != nil {
			return nil, err
		}
		data := make(map[string][]byte, len(texts))
		for key, value := range texts {
			data[key] = []byte(value)
		}
		return output(objectHash(data)), nil
	case asked.has("text"):
		text, err := asked.text("text")
		if err != nil {
			return nil, err
		}
		return output(objectHash(text)), nil
	}
	annotations, err := asked.texts("annotations")
	if err != nil {
		return nil, err
	}
	labels, err := asked.texts("labels")
	if err != nil {
		return nil, err
	}
	return output(objectHash(struct {
		annotations map[string]string
		labels      map[string]string
	}{annotations, labels})), nil
}

func objectHash(object any) string {
	sum := sha3.Sum224(fmt.Appendf(nil, "%+v", object))
	return hex.EncodeToString(sum[:])
}

func answerBase64(asked question) (*answer, error) {
	text, err := asked.text("text")
	if err != nil {
		return nil, err
	}
	op, err := asked.text("op")
	if err != nil {
		return nil, err
	}
	encodings := map[string]*base64.Encoding{
		"std":     base64.StdEncoding,
		"raw_std": base64.RawStdEncoding,
		"url":     base64.URLEncoding,
		"raw_url": base64.RawURLEncoding,
	}
	encoding, ok := encodings[op]
	if !ok {
		return nil, fmt.Errorf("unknown op %q", op)
	}
	decoded, err := encoding.DecodeString(text)
	if err != nil {
		return failed(err), nil
	}
	return output(string(decoded)), nil
}
