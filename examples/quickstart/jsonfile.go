package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/assessplan/assessplan"
)

// jsonFile is a JSON document that knows on which line each of its fields stands. A field is named by its path:
// plans[1].schedule.every.
type jsonFile struct {
	name   string
	data   []byte
	lines  map[string]int
	faults []fault // in the names of fields
}

func newJSONFile(name string, data []byte) (*jsonFile, error) {
	data, err := textOf(name, data)
	if err != nil {
		return nil, err
	}
	file := &jsonFile{name: name, data: data, lines: map[string]int{}}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, errorIn(name, []fault{file.syntaxFault(err)})
	}
	file.index(json.NewDecoder(bytes.NewReader(data)), "")
	return file, errorIn(name, file.faults)
}

func (f *jsonFile) syntaxFault(err error) fault {
	at := int64(len(bytes.TrimRight(f.data, " \t\r\n"))) // of a document that is cut off
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = min(at, syntax.Offset)
	}
	return fault{line: f.lineAt(at), message: "is not JSON: " + err.Error()}
}

func (f *jsonFile) lineAt(offset int64) int { return 1 + bytes.Count(f.data[:offset], []byte("\n")) }

// index notes the line of every field below path. The document is known to be well-formed: no token can fail.
func (f *jsonFile) index(decoder *json.Decoder, path string) {
	token, _ := decoder.Token()
	if _, noted := f.lines[path]; !noted {
		f.lines[path] = f.lineAt(decoder.InputOffset())
	}
	switch token {
	case json.Delim('{'):
		f.indexObject(decoder, path)
	case json.Delim('['):
		for i := 0; decoder.More(); i++ {
			f.index(decoder, fmt.Sprintf("%s[%d]", path, i))
		}
		_, _ = decoder.Token()
	}
}

// indexObject also finds what encoding/json would silently take: names that stand twice, and names in capitals.
func (f *jsonFile) indexObject(decoder *json.Decoder, path string) {
	seen := map[string]bool{}
	for decoder.More() {
		name, _ := decoder.Token()
		child, line := joinPath(path, name.(string)), f.lineAt(decoder.InputOffset())
		if seen[child] {
			f.faults = append(f.faults, fault{line: line, field: child, message: "is given twice"})
		}
		if strings.ToLower(child) != child {
			f.faults = append(f.faults, fault{line: line, field: child, message: "is not a field that is known here; names are in lower case"})
		}
		seen[child], f.lines[child] = true, line
		f.index(decoder, child)
	}
	_, _ = decoder.Token()
}

// line returns the line of a field, or of the nearest field around it that is there.
func (f *jsonFile) line(path string) int {
	for {
		if line, found := f.lines[path]; found {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// fault is what is wrong with the field at a path.
func (f *jsonFile) fault(path, format string, args ...any) fault {
	return fault{line: f.line(path), field: path, message: fmt.Sprintf(format, args...)}
}

// decodeFile reads a document into a T, strictly, and names every field that does not fit.
func decodeFile[T any](f *jsonFile) (T, error) {
	try := func(data []byte) (read T, err error) {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&read)
		return read, err
	}
	read, err := try(f.data)
	if err == nil {
		return read, nil
	}
	culprits := f.blame("", f.data, func(data []byte) error { _, err := try(data); return err })
	return read, errorIn(f.name, culprits)
}

// blame finds the parts of a value that do not decode even when they stand alone. encoding/json says where it failed for
// few of its errors, and for none of those of UnmarshalText.
func (f *jsonFile) blame(path string, value json.RawMessage, try func([]byte) error) (culprits []fault) {
	err := try(value)
	if err == nil {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) == nil {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			culprits = append(culprits, f.blame(joinPath(path, name), object[name], func(part []byte) error {
				return try(slices.Concat([]byte("{"), quoteJSON(name), []byte(":"), part, []byte("}")))
			})...)
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		for i, item := range list {
			culprits = append(culprits, f.blame(fmt.Sprintf("%s[%d]", path, i), item, func(part []byte) error {
				return try(slices.Concat([]byte("["), part, []byte("]")))
			})...)
		}
	}
	if len(culprits) == 0 {
		culprits = []fault{f.fault(path, "%s", explain(err))}
	}
	return culprits
}

// explain says what encoding/json found in the words of somebody who edits the file.
func explain(err error) string {
	var kind *json.UnmarshalTypeError
	var invalid *assessplan.ValidationError
	switch {
	case errors.As(err, &kind):
		return fmt.Sprintf("is a JSON %s; want %s", kind.Value, wanted(kind.Type))
	case errors.As(err, &invalid):
		return invalid.Faults[0].Message
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return "is not a field that is known here"
	}
	return err.Error()
}

func wanted(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return "text"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}

func quoteJSON(s string) []byte {
	quoted, _ := json.Marshal(s) // a string always marshals
	return quoted
}

func joinPath(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + "." + inner
}
