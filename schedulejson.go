package assessplan

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// UnmarshalJSON refuses unknown and repeated fields, null, and a schedule that is not valid: a slip in a file that says when
// people are asked must not become a default.
func (s *Schedule) UnmarshalJSON(b []byte) error {
	type plain Schedule
	var read plain
	if err := decodeStrictly(b, "schedule", &read); err != nil {
		return err
	}
	*s = Schedule(read)
	return s.Validate()
}

// UnmarshalJSON refuses unknown fields, and a slot without its day or its time.
func (s *Slot) UnmarshalJSON(b []byte) error {
	var read struct {
		Day  *int       `json:"day"`
		Time *TimeOfDay `json:"time"`
	}
	if err := decodeStrictly(b, "slot", &read); err != nil {
		return err
	}
	f := faults{}
	if read.Day == nil {
		f.add("day", "is missing; give the days after the first day of the cycle, from 0")
	}
	if read.Time == nil {
		f.add("time", "is missing; give a time of day such as 09:30")
	}
	if err := f.err(); err != nil {
		return err
	}
	*s = Slot{Day: *read.Day, Time: *read.Time}
	return nil
}

// decodeStrictly is json.Unmarshal for a value in which nothing is passed over.
func decodeStrictly(b []byte, path string, into any) error {
	if err := plainJSON(json.NewDecoder(bytes.NewReader(b))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var named *ValidationError
	if err == nil || errors.As(err, &named) {
		return err
	}
	return invalid(path, "cannot be read: %v", err)
}

// plainJSON refuses a value in which a name stands twice, of which encoding/json would take the last in silence, without
// regard to case, or null, which it would take for zero.
func plainJSON(decoder *json.Decoder) error {
	token, err := decoder.Token()
	switch {
	case err != nil:
		return nil //nolint:nilerr // encoding/json says it better
	case token == nil:
		return invalid("value", "is null; leave the field out or give a value")
	case token == json.Delim('['):
		for decoder.More() {
			if err := plainJSON(decoder); err != nil {
				return err
			}
		}
	case token == json.Delim('{'):
		seen := map[string]bool{}
		for decoder.More() {
			name, err := decoder.Token()
			text, ok := name.(string)
			if err != nil || !ok {
				return nil //nolint:nilerr // encoding/json says it better
			}
			if seen[strings.ToLower(text)] {
				return invalid(text, "is given twice")
			}
			seen[strings.ToLower(text)] = true
			if err := plainJSON(decoder); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, _ = decoder.Token() // the closing bracket
	return nil
}
