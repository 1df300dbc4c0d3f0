package main

import (
	"bytes"
	"fmt"
	"strings"
)

// fault is one thing that is wrong in a file.
type fault struct {
	line    int // from 1; 0 is the file as a whole
	field   string
	message string
}

// fileError names what is wrong in a file, one fault a line: file, line, field, what was wrong and what would be right.
type fileError struct {
	file   string
	faults []fault
}

// mostFaults is how many faults a message names: whoever gave the wrong file altogether need not read all of it.
const mostFaults = 10

func (e *fileError) Error() string {
	var lines []string
	for i, f := range e.faults {
		if i == mostFaults {
			lines = append(lines, fmt.Sprintf("%s: and %d more faults", e.file, len(e.faults)-i))
			break
		}
		lines = append(lines, e.describe(f))
	}
	return strings.Join(lines, "\n")
}

func (e *fileError) describe(f fault) string {
	place := e.file
	if f.line > 0 {
		place = fmt.Sprintf("%s:%d", e.file, f.line)
	}
	if f.field != "" {
		place += ": " + f.field
	}
	return place + ": " + f.message
}

// errorIn is the error for the faults found in a file; nil for none.
func errorIn(file string, faults []fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &fileError{file: file, faults: faults}
}

// textOf drops the byte order mark that spreadsheets write, and refuses a file without content.
func textOf(file string, data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errorIn(file, []fault{{message: "is empty"}})
	}
	return data, nil
}
