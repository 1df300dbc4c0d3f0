package watermillpub_test

import (
	"slices"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"
)

// delivery is a message that a broker took.
type delivery struct {
	topic string
	*message.Message
}

// recorder is a broker that keeps what it takes. Its answer is nil where nothing else is said.
type recorder struct {
	answer func(topic string, m *message.Message) error

	mu    sync.Mutex
	taken []delivery
}

func (r *recorder) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		if r.answer != nil {
			if err := r.answer(topic, m); err != nil {
				return err
			}
		}
		r.mu.Lock()
		r.taken = append(r.taken, delivery{topic, m})
		r.mu.Unlock()
	}
	return nil
}

func (r *recorder) Close() error { return nil }

func (r *recorder) all() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken)
}
