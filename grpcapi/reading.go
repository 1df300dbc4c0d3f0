package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assessplan/assessplan"
)

// reading collects what is wrong with the fields of a request.
type reading struct{ assessplan.ValidationError }

// optional parses a field that may be empty, which is zero.
func optional[T any](r *reading, path, text string, parse func(string) (T, error)) T {
	var zero T
	if text == "" {
		return zero
	}
	value, err := parse(text)
	var validation *assessplan.ValidationError
	switch {
	case errors.As(err, &validation):
		for _, fault := range validation.Faults {
			r.Add(path, "%s", fault.Message)
		}
		return zero
	case err != nil:
		r.Add(path, "%v", err)
		return zero
	}
	if z, ok := any(value).(interface{ IsZero() bool }); ok && z.IsZero() {
		r.Add(path, "is zero, which names none; leave it out or give one") // a filter would let everything through
	}
	return value
}

// required parses a field that must be given.
func required[T any](r *reading, path, text string, parse func(string) (T, error)) T {
	if text == "" {
		r.Add(path, "is missing")
	}
	return optional(r, path, text, parse)
}

// each parses the values of a list.
func each[T any](r *reading, path string, texts []string, parse func(string) (T, error)) []T {
	var values []T
	for i, text := range texts {
		values = append(values, required(r, fmt.Sprintf("%s[%d]", path, i), text, parse))
	}
	return values
}

// instant reads a point in time; none is zero.
func (r *reading) instant(path string, t *timestamppb.Timestamp) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case !t.IsValid() || t.AsTime().IsZero():
		r.Add(path, "is not a time in the years 1 to 9999; leave it out or give one")
		return time.Time{}
	}
	return t.AsTime()
}

// enum is an enumeration of the proto whose names are the library's words behind a prefix, in upper case.
type enum struct {
	prefix string
	names  map[int32]string
	values map[string]int32
}

// word returns the library's word for a number; that of the unspecified one is empty.
func word[W ~string, E ~int32](r *reading, path string, of enum, number E) W {
	name, known := of.names[int32(number)]
	if !known {
		r.Add(path, "is %d, which is no value of it", number)
	}
	if number == 0 || !known {
		return ""
	}
	return W(strings.ToLower(strings.TrimPrefix(name, of.prefix)))
}

// words returns the library's words for the numbers of a filter, each of which must be specified.
func words[W ~string, E ~int32](r *reading, path string, of enum, numbers []E) []W {
	var list []W
	for i, number := range numbers {
		path := fmt.Sprintf("%s[%d]", path, i)
		if number == 0 {
			r.Add(path, "is unspecified; leave it out or give one")
			continue
		}
		list = append(list, word[W](r, path, of, number))
	}
	return list
}

// number returns the number of a word of the library's.
func number[E ~int32, W ~string](of enum, word W) E {
	return E(of.values[of.prefix+strings.ToUpper(string(word))])
}

// timestamp is nil for the zero time.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// id is the text of an ID, empty for none.
func id[I interface {
	IsZero() bool
	String() string
}](of I) string {
	if of.IsZero() {
		return ""
	}
	return of.String()
}

// list converts the values of a list.
func list[S, T any](values []S, convert func(S) T) []T {
	out := make([]T, len(values))
	for i, value := range values {
		out[i] = convert(value)
	}
	return out
}

// limit reads how many records are asked for; the library clamps what is too much.
func (r *reading) limit(asked int32) int {
	if asked < 0 {
		r.Add("limit", "is %d; want 1 to %d, or 0 for the most", asked, assessplan.MaxListLimit)
	}
	return int(asked)
}

// ofOrg is a request that may name its org.
type ofOrg interface{ GetOrgId() string }

// settle ends the reading of a request and settles its org.
func settle(ctx context.Context, r *reading, in ofOrg) (assessplan.OrgID, error) {
	if err := r.Err(); err != nil {
		return "", err
	}
	return orgOf(ctx, in.GetOrgId())
}
