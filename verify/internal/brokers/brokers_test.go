package brokers_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/verify/internal/brokers"
)

func TestFind(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), brokers.Patience)
	defer cancel()
	for _, kind := range []brokers.Kind{brokers.NATS(), brokers.RabbitMQ()} {
		url, err := kind.Find(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, url)
	}
}

func TestBrokerThatTheEnvironmentNamesIsTheOnlyOneTried(t *testing.T) {
	for url, kind := range map[string]brokers.Kind{"nats://u:secret@127.0.0.1:1": brokers.NATS(), "amqp://u:secret@127.0.0.1:1/": brokers.RabbitMQ()} {
		t.Setenv(kind.Variable, url)
		_, err := kind.Find(t.Context())
		require.ErrorContains(t, err, kind.Variable)
		require.NotContains(t, err.Error(), "secret")
	}
}
