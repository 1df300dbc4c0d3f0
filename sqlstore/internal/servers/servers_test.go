package servers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/sqlstore/internal/servers"
)

func TestWhatKilledTestsLeftBehindIsDroppedByItsAge(t *testing.T) {
	for _, kind := range []servers.Kind{servers.Postgres(), servers.MySQL()} {
		t.Run(kind.Name, func(t *testing.T) {
			server, err := kind.Find(t.Context())
			require.NoError(t, err)
			before := time.Now().Add(-22 * time.Hour) // older than those in use, and too young for sqltest to drop
			old, oldDSN, err := kind.Create(t.Context(), server, before.Add(-time.Hour))
			require.NoError(t, err)
			recent, recentDSN, err := kind.Create(t.Context(), server, before.Add(time.Hour))
			require.NoError(t, err)

			require.NoError(t, kind.DropLeftovers(t.Context(), server, before))
			require.Error(t, kind.Ping(t.Context(), oldDSN), old)
			require.NoError(t, kind.Ping(t.Context(), recentDSN), recent)
			require.NoError(t, kind.Drop(t.Context(), server, recent))
			require.Error(t, kind.Ping(t.Context(), recentDSN), recent)
		})
	}
}
