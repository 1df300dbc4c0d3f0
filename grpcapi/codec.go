package grpcapi

import (
	"fmt"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/assessplan/assessplan"
)

// strictJSON is Connect's JSON in which nothing is passed over: a window that is misspelt, or null, would be no window. The name
// is that of the codec, which Connect looks it up by.
type strictJSON struct{ name string }

// Name returns the name.
func (c strictJSON) Name() string { return c.name }

// Marshal writes the JSON of a message.
func (strictJSON) Marshal(message any) ([]byte, error) {
	m, err := messageIn(message)
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(m)
}

// Unmarshal reads the JSON of a message, or notes in it what is wrong.
func (strictJSON) Unmarshal(data []byte, message any) error {
	m, err := messageIn(message)
	if err != nil {
		return err
	}
	fault := checkJSON(data, m.ProtoReflect().Descriptor())
	if fault == nil && protojson.Unmarshal(data, m) != nil {
		fault = &assessplan.Fault{Path: wholeBody, Message: "is not valid JSON"}
	}
	note(m, fault)
	return nil
}

// binary is protobuf, as Connect has it.
type binary struct{}

// Name returns "proto".
func (binary) Name() string { return "proto" }

// Marshal writes a message.
func (b binary) Marshal(message any) ([]byte, error) { return b.MarshalAppend(nil, message) }

// MarshalAppend writes a message behind others.
func (binary) MarshalAppend(to []byte, message any) ([]byte, error) {
	m, err := messageIn(message)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{}.MarshalAppend(to, m)
}

// Unmarshal reads a message, or notes in it what is wrong. Fields that are unknown are those of a newer proto.
func (binary) Unmarshal(data []byte, message any) error {
	m, err := messageIn(message)
	if err != nil {
		return err
	}
	var fault *assessplan.Fault
	if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m) != nil {
		fault = &assessplan.Fault{Path: wholeBody, Message: "is no protobuf of this call, or has text that is not UTF-8"}
	}
	note(m, fault)
	return nil
}

func messageIn(v any) (proto.Message, error) {
	if m, ok := v.(proto.Message); ok {
		return m, nil
	}
	return nil, fmt.Errorf("%T is no message", v)
}

// noteField is the number of a field that no message has.
const noteField protowire.Number = 1 << 28

// note leaves in a message why it could not be read: intercept refuses the call for it, with the code and the details that all
// errors have, where Connect answers an error of a codec by itself. What a client sends cannot look like it, since neither codec
// keeps an unknown field.
func note(m proto.Message, fault *assessplan.Fault) {
	if fault == nil {
		return
	}
	proto.Reset(m)
	m.ProtoReflect().SetUnknown(protowire.AppendString(protowire.AppendTag(nil, noteField, protowire.BytesType), fault.Path+"\x00"+fault.Message))
}

// unread is what was noted in the message of a request.
func unread(request connect.AnyRequest) error {
	m, ok := request.Any().(proto.Message)
	if !ok {
		return nil
	}
	noted := m.ProtoReflect().GetUnknown()
	number, _, n := protowire.ConsumeTag(noted)
	if n < 0 || number != noteField {
		return nil
	}
	text, _ := protowire.ConsumeString(noted[n:])
	path, message, _ := strings.Cut(text, "\x00")
	return assessplan.Invalid(path, "%s", message)
}
