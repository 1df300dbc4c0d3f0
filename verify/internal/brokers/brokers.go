// Package brokers finds the message brokers that tests run against.
package brokers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	amqp "github.com/rabbitmq/amqp091-go"
)

// Patience is how long a broker is waited for; a machine that tests in parallel is slow.
const Patience = 30 * time.Second

// Kind is a kind of broker. Its methods may be called concurrently.
type Kind struct {
	Name     string // as its makers write it
	Variable string // of the environment: the URL of a broker to use
	usual    string // the URL of one that is looked for while the variable is empty
	ping     func(url string) error
}

// NATS returns what to know of NATS with JetStream.
func NATS() Kind {
	return Kind{Name: "NATS JetStream", Variable: "ASSESSPLAN_TEST_NATS", usual: "nats://127.0.0.1:4222", ping: pingNATS}
}

// RabbitMQ returns what to know of RabbitMQ.
func RabbitMQ() Kind {
	return Kind{Name: "RabbitMQ", Variable: "ASSESSPLAN_TEST_RABBITMQ", usual: "amqp://guest:guest@127.0.0.1:5672/", ping: pingRabbitMQ}
}

// Find returns the URL of a broker that answers: the one that the environment names or, if it names none, the one that is
// found where such brokers usually are. No error shows a password.
func (k Kind) Find(ctx context.Context) (string, error) {
	url, given := os.Getenv(k.Variable), true
	if url == "" {
		url, given = k.usual, false
	}
	answered := make(chan error, 1)
	go func() { answered <- k.ping(url) }()
	var err error
	select {
	case err = <-answered:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	switch {
	case err == nil:
		return url, nil
	case given:
		return "", fmt.Errorf("the %s that %s names: %w", k.Name, k.Variable, err)
	}
	return "", fmt.Errorf("no %s answers at its usual port; run the tests by scripts/test, which starts one, or set %s to the URL of one: %w",
		k.Name, k.Variable, err)
}

func pingNATS(url string) error {
	conn, err := nats.Connect(url, nats.Timeout(Patience), nats.NoReconnect())
	if err != nil {
		return errors.New("no connection") // not err: it may quote the password
	}
	defer conn.Close()
	js, err := conn.JetStream(nats.MaxWait(Patience))
	if err != nil {
		return err
	}
	_, err = js.AccountInfo()
	return err
}

func pingRabbitMQ(url string) error {
	conn, err := amqp.DialConfig(url, amqp.Config{Dial: func(network, address string) (net.Conn, error) {
		return net.DialTimeout(network, address, Patience)
	}})
	if err != nil {
		return errors.New("no connection") // not err: it may quote the password
	}
	channel, err := conn.Channel()
	if err == nil {
		_, err = channel.QueueDeclare("", false, true, true, false, nil)
	}
	return errors.Join(err, conn.Close())
}
