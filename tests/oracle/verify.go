package main

import "fmt"

// answerVerify checks what cannot be compared, because randomness is in it.
func answerVerify(asked question) (*answer, error) {
	op, err := asked.text("op")
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("unknown op %q", op)
}
