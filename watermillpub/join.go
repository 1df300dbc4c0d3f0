package watermillpub

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// order is that of the attributes in the JSON that this library writes, so that it comes out as it went in. Others follow, by
// their names.
var order = []string{attributeSpecVersion, attributeContentType, "source", "type", "id", "subject", PartitionKey, "time", OrgID,
	attributeVersion}

// joined writes an event as JSON from its attributes and its data.
func joined(attributes map[string]string, data []byte) []byte {
	names := slices.DeleteFunc(slices.Clone(order), func(name string) bool { _, is := attributes[name]; return !is })
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !slices.Contains(order, name) {
			names = append(names, name)
		}
	}
	b := []byte{'{'}
	for _, name := range names {
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendValue(b, name, attributes[name])
		b = append(b, ',')
	}
	b = append(b, `"`+memberData+`":`...)
	b = append(b, data...)
	return append(b, '}')
}

// appendValue writes a value as the library does: numbers bare, and strings escaped only if something in them must be.
func appendValue(b []byte, name, value string) []byte {
	if name == attributeVersion {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return strconv.AppendInt(b, n, 10)
		}
	}
	special := func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }
	if strings.IndexFunc(value, special) < 0 {
		b = append(b, '"')
		b = append(b, value...)
		return append(b, '"')
	}
	quoted, _ := json.Marshal(value) // a string always marshals
	return append(b, quoted...)
}
