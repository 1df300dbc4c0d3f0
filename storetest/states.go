package storetest

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/assessplan/assessplan"
)

// sameState checks a struct field by field and names those that differ.
func sameState[S any](k *kit, what string, got, want S) {
	k.t.Helper()
	if faults := differences(reflect.ValueOf(got), reflect.ValueOf(want)); len(faults) > 0 {
		k.failf("%s: %s", what, strings.Join(faults, "; "))
	}
}

// sameStates checks a list of structs and names the first that differs.
func sameStates[S any](k *kit, what string, got, want []S) {
	k.t.Helper()
	if fault := firstDifference(reflect.ValueOf(got), reflect.ValueOf(want)); fault != "" {
		k.failf("%s: %s", what, fault)
	}
}

func differences(got, want reflect.Value) (faults []string) {
	for i := range got.NumField() {
		field := got.Type().Field(i)
		a, b := got.Field(i), want.Field(i)
		switch {
		case field.Anonymous && field.Type.Kind() == reflect.Struct:
			faults = append(faults, differences(a, b)...)
		case same(a, b):
		case field.Type.Kind() == reflect.Struct && field.Type != reflect.TypeFor[time.Time]():
			faults = append(faults, field.Name+": "+strings.Join(differences(a, b), "; "))
		case field.Type.Kind() == reflect.Slice && field.Type.Elem().Kind() == reflect.Struct:
			faults = append(faults, field.Name+": "+firstDifference(a, b))
		default:
			faults = append(faults, fmt.Sprintf("%s: got %s, want %s", field.Name, shown(a), shown(b)))
		}
	}
	return faults
}

// firstDifference says where two lists of structs part; nothing if they are the same.
func firstDifference(got, want reflect.Value) string {
	if got.Len() != want.Len() {
		return fmt.Sprintf("got %d, want %d", got.Len(), want.Len())
	}
	for i := range got.Len() {
		if same(got.Index(i), want.Index(i)) {
			continue
		}
		if faults := differences(got.Index(i), want.Index(i)); len(faults) > 0 {
			return fmt.Sprintf("at place %d %s", i+1, strings.Join(faults, "; "))
		}
	}
	return ""
}

// same compares as == does, so that a time in another location is another time, but takes an empty list for none.
func same(a, b reflect.Value) bool {
	if a.Type().Comparable() && a.CanInterface() {
		return a.Interface() == b.Interface()
	}
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	if a.Kind() == reflect.Struct {
		return len(differences(a, b)) == 0
	}
	return a.Kind() == reflect.Slice && sameElements(a, b)
}

func sameElements(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// shown is a field in a message: an instant with its zone, a hash as hexadecimal.
func shown(v reflect.Value) string {
	if !v.CanInterface() {
		return fmt.Sprint(v)
	}
	switch value := v.Interface().(type) {
	case time.Time:
		return shownTime(value)
	case assessplan.TokenHash:
		return hex.EncodeToString(value[:])
	case []byte:
		return fmt.Sprintf("%q", value)
	case fmt.Stringer:
		return value.String()
	}
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", v.String())
	}
	return fmt.Sprintf("%+v", v.Interface())
}

func shownTime(t time.Time) string {
	if t.IsZero() && t.Location() == time.UTC {
		return "the zero time"
	}
	if t.Location() != time.UTC {
		return t.Format(time.RFC3339Nano) + " in a location other than time.UTC"
	}
	return t.Format(time.RFC3339Nano)
}
