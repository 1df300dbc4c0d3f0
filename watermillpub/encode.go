package watermillpub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/assessplan/assessplan"
)

// encode makes the message of an event. It shares no memory with the event.
func encode(event *assessplan.Event, mode Mode, binding Binding) (*message.Message, error) {
	attributes, data, err := parse(event.Data)
	if err != nil {
		return nil, err
	}
	r := binding.rules()
	m := message.NewMessage(event.ID.String(), data)
	m.Metadata[ContentType] = attributes[attributeContentType]
	m.Metadata[PartitionKey] = r.value(event.Subject.String())
	m.Metadata[OrgID] = r.value(string(event.Org))
	if trace := attributes[TraceParent]; trace != "" {
		m.Metadata[TraceParent] = r.value(trace)
	}
	if mode == Structured {
		m.Payload, m.Metadata[ContentType] = bytes.Clone(event.Data), typeStructured
		return m, nil
	}
	for name, value := range attributes {
		if name != attributeContentType || r.content {
			m.Metadata[r.prefix+name] = r.value(value)
		}
	}
	return m, nil
}

// parse takes an event's JSON apart: its attributes as canonical strings, and a copy of its data as it stands there. What is null
// is left out.
func parse(event []byte) (map[string]string, []byte, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(event, &members) != nil || members == nil {
		return nil, nil, errors.New("the data of the event is no JSON object")
	}
	data := members[memberData]
	if data == nil || members[memberBase64] != nil {
		return nil, nil, errors.New("the CloudEvent has no data in JSON")
	}
	attributes := map[string]string{attributeContentType: typeJSON}
	for name, value := range members {
		if name == memberData {
			continue
		}
		text, is, err := canonical(value)
		if err != nil || !isAttribute(name) {
			return nil, nil, fmt.Errorf("attribute %q of the CloudEvent is none: want a name of a-z and 0-9, and a string, a boolean or an integer", name)
		}
		if is {
			attributes[name] = text
		}
	}
	if attributes[attributeSpecVersion] == "" {
		return nil, nil, errors.New("the CloudEvent has no specversion")
	}
	if !isJSON(attributes[attributeContentType]) {
		return nil, nil, fmt.Errorf("the datacontenttype of the CloudEvent is another; want %s", typeJSON)
	}
	return attributes, data, nil
}

// isAttribute tells names that an attribute may have (CloudEvents v1.0.2, section "Naming Conventions").
func isAttribute(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && name != memberData
}

var errNoAttribute = errors.New("no attribute")

// canonical is the string form of an attribute (CloudEvents v1.0.2, section "Type System"); is tells that it is not null. The value
// is valid JSON without space around it.
func canonical(value json.RawMessage) (text string, is bool, err error) {
	switch value[0] {
	case 'n':
		return "", false, nil
	case '"':
		err = json.Unmarshal(value, &text)
		return text, true, err
	case 't', 'f':
		return string(value), true, nil
	case '{', '[':
		return "", false, errNoAttribute
	}
	_, err = strconv.ParseInt(string(value), 10, 64)
	return string(value), true, err
}
