package watermillpub

import (
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
)

// Decode reads an event, and the fact that it states, from a message that a [Publisher] made, in whatever mode and binding, or
// that another sender made by those bindings or by that of HTTP; the case of the names in the metadata does not matter. The
// event's Data is its JSON in both modes: of a structured message the payload itself, of a binary one what a Publisher had been
// given, if that was of this version. A message that is none of these is [assessplan.ErrInvalid] and will always be.
func Decode(m *message.Message) (assessplan.Event, assessplan.Fact, error) {
	data, err := eventJSON(m)
	if err != nil {
		return assessplan.Event{}, nil, err
	}
	event, fact, err := assessplan.DecodeEvent(data)
	switch {
	case err != nil:
		return assessplan.Event{}, nil, err
	case event.ID.IsZero():
		return assessplan.Event{}, nil, assessplan.Invalid("event.id", "is missing, and without it nobody can tell a repetition")
	case event.Org == "":
		return assessplan.Event{}, nil, assessplan.Invalid("event.orgid", "is missing")
	}
	return event, fact, nil
}

// eventJSON is the event in the form that it is stored in.
func eventJSON(m *message.Message) ([]byte, error) {
	if m == nil {
		return nil, assessplan.Invalid("message", "is nil")
	}
	headers, err := lowered(m.Metadata)
	if err != nil {
		return nil, err
	}
	content := headers[ContentType]
	if structured, err := isStructured(content); err != nil || structured {
		return m.Payload, err
	}
	found, is := attributesIn(headers)
	if !is {
		if content == "" { // lost on its way: NATS had no headers once, and AMQP has a property for it
			return m.Payload, nil
		}
		return nil, assessplan.Invalid("message", "is no CloudEvent: its content-type is another, and it has no headers of one")
	}
	return found.event(headers, m.Payload)
}

// isStructured says whether the payload is a whole event. A format that is not JSON is an error.
func isStructured(content string) (bool, error) {
	kind, _, _ := strings.Cut(strings.ToLower(content), ";")
	kind = strings.TrimSpace(kind)
	switch {
	case kind == typeStructured || kind == typeCloudEvents:
		return true, nil
	case strings.HasPrefix(kind, typeCloudEvents):
		return false, assessplan.Invalid("message.content-type", "is a format of CloudEvents that is not read here; want %s", typeStructured)
	}
	return false, nil
}

// lowered are the headers under their names in lower case.
func lowered(metadata message.Metadata) (map[string]string, error) {
	headers := make(map[string]string, len(metadata))
	for name, value := range metadata {
		name = strings.ToLower(name)
		if other, twice := headers[name]; twice && other != value {
			return nil, assessplan.Invalid("message", "has a header twice in different cases, with different values")
		}
		headers[name] = value
	}
	return headers, nil
}

// headerForms are how the attributes of a message may be written, the prefixes in lower case.
var headerForms = []rules{
	{prefix: "ce-", percent: true}, // NATS and HTTP
	{prefix: "cloudevents_"},       // AMQP
	{prefix: "cloudevents:"},       // AMQP, where JMS does not forbid it
	{prefix: "ce_"},                // Kafka
}

// attributesIn finds the form that a message's attributes have.
func attributesIn(headers map[string]string) (rules, bool) {
	i := slices.IndexFunc(headerForms, func(r rules) bool { return headers[r.prefix+attributeSpecVersion] != "" })
	if i < 0 {
		return rules{}, false
	}
	return headerForms[i], true
}

// event puts a binary message together again.
func (r rules) event(headers map[string]string, data []byte) ([]byte, error) {
	attributes := map[string]string{}
	for header, value := range headers {
		name, is := strings.CutPrefix(header, r.prefix)
		if !is {
			continue
		}
		value, err := r.decoded(value)
		if err != nil || !isAttribute(name) {
			return nil, assessplan.Invalid("message", "has a header with the prefix %s that is no attribute of a CloudEvent in UTF-8", r.prefix)
		}
		attributes[name] = value
	}
	if attributes[attributeContentType] == "" {
		attributes[attributeContentType] = headers[ContentType]
	}
	if attributes[attributeContentType] == "" {
		attributes[attributeContentType] = typeJSON
	}
	if !isJSON(attributes[attributeContentType]) {
		return nil, assessplan.Invalid("message.content-type", "is of another kind of data; want %s", typeJSON)
	}
	if !json.Valid(data) {
		return nil, assessplan.Invalid("message", "has a payload that is not JSON")
	}
	return joined(attributes, data), nil
}

// isJSON tells the content type of data in JSON, with or without parameters.
func isJSON(content string) bool {
	if content == typeJSON {
		return true
	}
	kind, _, err := mime.ParseMediaType(content)
	return err == nil && kind == typeJSON
}

var errNotUTF8 = errors.New("not UTF-8")

func (r rules) decoded(value string) (string, error) {
	if r.percent {
		return percentDecoded(value)
	}
	if !utf8.ValidString(value) {
		return "", errNotUTF8
	}
	return value, nil
}
