package grpcapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/assessplan/assessplan"
)

// wholeBody is where a fault is that has no field.
const wholeBody = "body"

const timestampName protoreflect.FullName = "google.protobuf.Timestamp"

// checkJSON names the first fault in the JSON of a message, by its place and in the library's words: a name that is unknown or
// given twice, null, which protojson takes for nothing, a value of another type, and a time that Go's parser lets through and
// RFC 3339 does not. protojson's own errors have neither place nor bound.
func checkJSON(data []byte, of protoreflect.MessageDescriptor) *assessplan.Fault {
	c := &jsonCheck{decoder: json.NewDecoder(bytes.NewReader(data))}
	c.decoder.UseNumber()
	if len(bytes.TrimSpace(data)) == 0 {
		return &assessplan.Fault{Path: wholeBody, Message: "is empty; want a JSON object"}
	}
	c.object("", c.next(), of)
	if _, err := c.decoder.Token(); err != io.EOF {
		c.fault("", "is more than one JSON value")
	}
	return c.first
}

// jsonCheck walks through JSON beside the message that it is to become, until the first fault.
type jsonCheck struct {
	decoder *json.Decoder
	first   *assessplan.Fault
}

func (c *jsonCheck) fault(path, format string, args ...any) {
	if path == "" {
		path = wholeBody
	}
	if c.first == nil {
		c.first = &assessplan.Fault{Path: path, Message: fmt.Sprintf(format, args...)}
	}
}

func (c *jsonCheck) next() json.Token {
	token, err := c.decoder.Token()
	if err != nil {
		c.fault("", "is not valid JSON")
	}
	return token
}

func (c *jsonCheck) object(path string, begin json.Token, of protoreflect.MessageDescriptor) {
	if begin != json.Delim('{') {
		c.fault(path, "is %s; want an object", shown(begin))
		return
	}
	given := map[protoreflect.FieldNumber]bool{}
	for c.first == nil && c.decoder.More() {
		name, _ := c.next().(string)
		field := of.Fields().ByJSONName(name)
		if field == nil {
			field = of.Fields().ByName(protoreflect.Name(name))
		}
		inner := strings.TrimPrefix(path+"."+clipped(name), ".")
		switch {
		case field == nil:
			c.fault(inner, "is not a field that is known here")
		case given[field.Number()]:
			c.fault(inner, "is given twice")
		case field.IsList():
			given[field.Number()] = true
			c.list(inner, c.next(), field)
		default:
			given[field.Number()] = true
			c.value(inner, c.next(), field)
		}
	}
	c.end()
}

func (c *jsonCheck) list(path string, begin json.Token, of protoreflect.FieldDescriptor) {
	if begin != json.Delim('[') {
		c.fault(path, "is %s; want a list", shown(begin))
		return
	}
	for i := 0; c.first == nil && c.decoder.More(); i++ {
		c.value(fmt.Sprintf("%s[%d]", path, i), c.next(), of)
	}
	c.end()
}

// end takes the closing bracket.
func (c *jsonCheck) end() {
	if c.first == nil {
		c.next()
	}
}

func (c *jsonCheck) value(path string, begin json.Token, of protoreflect.FieldDescriptor) {
	text, isText := begin.(string)
	number, isNumber := begin.(json.Number)
	_, isBool := begin.(bool)
	switch kind := of.Kind(); {
	case begin == nil:
		c.fault(path, "is null; leave it out or give a value")
	case kind == protoreflect.MessageKind && of.Message().FullName() == timestampName:
		if !isText || !rfc3339(text) {
			c.fault(path, "is not RFC 3339; want a time such as 2026-03-31T19:00:00Z")
		}
	case kind == protoreflect.MessageKind:
		c.object(path, begin, of.Message())
	case kind == protoreflect.StringKind && !isText:
		c.fault(path, "is %s; want text", shown(begin))
	case kind == protoreflect.BoolKind && !isBool:
		c.fault(path, "is %s; want true or false", shown(begin))
	case kind == protoreflect.EnumKind && isText:
		if of.Enum().Values().ByName(protoreflect.Name(text)) == nil {
			c.fault(path, "is no value of it that is known here")
		}
	case kind == protoreflect.Int32Kind || kind == protoreflect.EnumKind:
		if isText && kind == protoreflect.Int32Kind {
			number, isNumber = json.Number(text), true // as protobuf writes numbers of 64 bits
		}
		if _, err := strconv.ParseInt(number.String(), 10, 32); !isNumber || err != nil {
			c.fault(path, "is %s; want a whole number of 32 bits", shown(begin))
		}
	}
}

// rfc3339 tells a time that is one by RFC 3339, in the years that a Timestamp has and at nanoseconds at most. Of the zero time, which
// is one, the fields say what is wrong.
func rfc3339(s string) bool {
	if t, err := time.Parse(time.RFC3339, s); err == nil && t.IsZero() {
		return true
	}
	_, err := assessplan.ParseInstant(s)
	_, fraction, _ := strings.Cut(s, ".")
	return err == nil && strings.IndexAny(fraction, "Z+-") <= 9
}

// shown is a value in a message, cut to what one bears.
func shown(token json.Token) string {
	switch token := token.(type) {
	case json.Delim:
		if token == '[' {
			return "a list"
		}
		return "an object"
	case json.Number:
		return clipped(token.String())
	case string:
		return "text"
	case nil:
		return "null"
	}
	return fmt.Sprint(token)
}

func clipped(name string) string {
	const most = 40
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "..."
	}
	return name
}
