package broker_test

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmamqp "github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
)

// asPublisher in the environment makes this binary a Publisher to the URL that it names, and onExchange says to which exchange.
const (
	asPublisher = "ASSESSPLAN_BROKER_PUBLISHER"
	onExchange  = "ASSESSPLAN_BROKER_EXCHANGE"
)

// remote is a Publisher of watermill-amqp in a process of its own. When it loses its connection that package replaces a channel
// which calls look at meanwhile, without a lock: a data race (connection.go), for which the race detector would fail the test.
// That process says nothing of races.
type remote struct {
	command *exec.Cmd
	stdin   io.WriteCloser

	mu      sync.Mutex // over what follows
	send    *gob.Encoder
	next    int
	waiting map[int]chan string
}

// asked is a message for a Publisher, and answered what it says; an empty error is none.
type (
	asked struct {
		Call        int
		Topic, UUID string
		Metadata    map[string]string
		Payload     []byte
	}
	answered struct {
		Call  int
		Error string
	}
)

func newRemote(t testing.TB, url, exchange string) *remote {
	t.Helper()
	r := &remote{waiting: map[int]chan string{}}
	r.command = exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	r.command.Env = append(os.Environ(), asPublisher+"="+url, onExchange+"="+exchange, "GORACE=exitcode=0 log_path="+t.TempDir()+"/races")
	r.command.Stderr = os.Stderr
	stdin, err := r.command.StdinPipe()
	require.NoError(t, err)
	stdout, err := r.command.StdoutPipe()
	require.NoError(t, err)
	r.stdin, r.send = stdin, gob.NewEncoder(stdin)
	require.NoError(t, r.command.Start())
	ended := make(chan struct{})
	go func() {
		r.listen(stdout)
		close(ended)
	}()
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		<-ended
		require.NoError(t, r.command.Wait())
	})
	return r
}

func (r *remote) listen(from io.Reader) {
	for answers := gob.NewDecoder(from); ; {
		var a answered
		if err := answers.Decode(&a); err != nil {
			return
		}
		r.mu.Lock()
		r.waiting[a.Call] <- a.Error
		delete(r.waiting, a.Call)
		r.mu.Unlock()
	}
}

// Publish waits for the answer of the other process.
func (r *remote) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		answer := make(chan string, 1)
		r.mu.Lock()
		r.next++
		r.waiting[r.next] = answer
		err := r.send.Encode(asked{Call: r.next, Topic: topic, UUID: m.UUID, Metadata: m.Metadata, Payload: m.Payload})
		r.mu.Unlock()
		if err != nil {
			return err
		}
		if why := <-answer; why != "" {
			return errors.New(why)
		}
	}
	return nil
}

func (r *remote) Close() error { return nil }

// impatient loses the connection on purpose when an answer does not come: a quorum queue that has just recovered may never confirm
// what it was sent before.
type impatient struct{ *wmamqp.Publisher }

func (p impatient) Publish(topic string, messages ...*message.Message) error {
	const patience = 2 * time.Second
	watch := time.AfterFunc(patience, func() { _ = p.Connection().CloseDeadline(time.Now().Add(time.Second)) }) // closed already, at worst
	defer watch.Stop()
	return p.Publisher.Publish(topic, messages...)
}

// serveAsPublisher publishes what it is asked to until its input ends, and is the exit code.
func serveAsPublisher(url string, stdin io.Reader, stdout io.Writer) int {
	config := (&exchange{url: url, name: os.Getenv(onExchange)}).config()
	config.Connection.Reconnect = &wmamqp.ReconnectConfig{BackoffInitialInterval: 20 * time.Millisecond,
		BackoffRandomizationFactor: 0.5, BackoffMultiplier: 1.5, BackoffMaxInterval: 500 * time.Millisecond}
	to, err := wmamqp.NewPublisher(config, watermill.NopLogger{})
	if err != nil {
		return 1
	}
	var mu sync.Mutex
	answers := gob.NewEncoder(stdout)
	for questions := gob.NewDecoder(stdin); ; {
		var q asked
		if err := questions.Decode(&q); err != nil {
			return 0 // calls that wait for a broker are left behind
		}
		go func() {
			m := message.NewMessage(q.UUID, q.Payload)
			m.Metadata = q.Metadata
			a := answered{Call: q.Call}
			if err := (impatient{to}).Publish(q.Topic, m); err != nil {
				a.Error = "refused: " + err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			_ = answers.Encode(a) // it fails if nobody listens any more
		}()
	}
}
