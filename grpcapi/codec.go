package grpcapi

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// strictJSON is Connect's JSON, but for a name that is unknown, which is refused: a window that is misspelt would be no window.
// The name is that of the codec, which Connect looks it up by.
type strictJSON struct{ name string }

// Name returns the name.
func (c strictJSON) Name() string { return c.name }

// Marshal writes the JSON of a message.
func (strictJSON) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", message)
	}
	return protojson.Marshal(m)
}

// Unmarshal reads the JSON of a message.
func (strictJSON) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	switch {
	case !ok:
		return fmt.Errorf("%T is no message", message)
	case len(data) == 0:
		return errors.New("is empty; want a JSON object")
	}
	return protojson.Unmarshal(data, m)
}
