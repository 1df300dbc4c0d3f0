package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/assessplan/assessplan"
)

// empty is the body of a command that needs none.
type empty struct{}

// read takes the body of a request, in which nothing is passed over: a name that is unknown, given twice, or spelt in other cases,
// a null, or something after the end is a fault that names its place. Where there is no body, and need not be, the result is zero.
func read[B any](ctx context.Context) (body B, err error) {
	seen := recordOf(ctx)
	if len(bytes.TrimSpace(seen.body)) == 0 {
		if seen.optional {
			return body, nil
		}
		return body, assessplan.Invalid("body", "is empty; want JSON")
	}
	if err := refuseNulls(seen.body); err != nil {
		return body, err
	}
	if err := jsonv2.Unmarshal(seen.body, &body, jsonv2.RejectUnknownMembers(true)); err != nil {
		return body, explain(err)
	}
	return body, nil
}

// refuseNulls finds the first null, which json would take for zero: a window that is null would be no window.
func refuseNulls(body []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return explain(err)
		case token.Kind() == 'n':
			return assessplan.Invalid(field(decoder.StackPointer()), "is null; leave it out or give a value")
		}
	}
}

// explain makes faults of what json says, in the words of the library, without the values.
func explain(err error) error {
	var validation *assessplan.ValidationError
	var semantic *jsonv2.SemanticError
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &validation):
		if !errors.As(err, &semantic) {
			return validation
		}
		f := assessplan.ValidationError{}
		for _, fault := range validation.Faults {
			f.Add(within(semantic, fault.Path), "%s", fault.Message)
		}
		return f.Err()
	case errors.As(err, &semantic) && errors.Is(err, jsonv2.ErrUnknownName):
		return assessplan.Invalid(field(semantic.JSONPointer), "is not a field that is known here")
	case errors.As(err, &semantic):
		return assessplan.Invalid(field(semantic.JSONPointer), "is %s, which is not what is wanted here", kinds[semantic.JSONKind])
	case errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName):
		return assessplan.Invalid(field(syntactic.JSONPointer), "is given twice")
	}
	return assessplan.Invalid("body", "is not valid JSON")
}

// kinds name what a JSON value is, by how it begins.
var kinds = map[jsontext.Kind]string{
	'n': "null", 't': "true", 'f': "false", '"': "text", '0': "a number", '{': "an object", '[': "a list",
}

// within puts the place of a fault into that of the value that has it: a schedule has places inside, anything else is one word.
func within(value *jsonv2.SemanticError, inner string) string {
	outer := field(value.JSONPointer)
	switch {
	case value.GoType != reflect.TypeFor[assessplan.Schedule]() || inner == "schedule" || inner == "":
		return outer
	case strings.HasPrefix(inner, "["):
		return outer + inner
	}
	return outer + "." + inner
}

// field writes a JSON pointer (RFC 6901) as the library's faults write places: schedule.slots[2].day. It stops where a message has
// enough: a small body can make a long pointer of thousands of parts.
func field(pointer jsontext.Pointer) string {
	const most = 100
	path := ""
	for token := range pointer.Tokens() {
		switch _, err := strconv.Atoi(token); {
		case err == nil:
			path += "[" + token + "]"
		case path == "":
			path = token
		default:
			path += "." + token
		}
		if len(path) > most {
			return path[:most] + "..."
		}
	}
	if path == "" {
		return "body"
	}
	return path
}

// instant is a point in time in a body: RFC 3339 as the RFC has it, not as Go's parser does. It has none of time.Time's methods,
// of which UnmarshalJSON would be preferred.
type instant struct{ at time.Time }

// UnmarshalText reads RFC 3339.
func (t *instant) UnmarshalText(text []byte) (err error) {
	t.at, err = assessplan.ParseInstant(string(text))
	return err
}

// Schema describes it to huma.
func (instant) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: "RFC 3339, with capital T and Z"}
}
