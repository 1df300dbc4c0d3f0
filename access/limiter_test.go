package access_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan/access"
)

// wait is how long a refusal asks for; zero is none.
func wait(err error) time.Duration {
	var tooMany *access.TooManyError
	if !errors.As(err, &tooMany) {
		return 0
	}
	return tooMany.Wait
}

func TestALimiterLetsABurstAndThenARatePass(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	limiter := access.NewLimiter(2, 3)
	for range 3 {
		require.NoError(t, limiter.Take("a", now))
	}
	require.Equal(t, 500*time.Millisecond, wait(limiter.Take("a", now)))
	require.Equal(t, 500*time.Millisecond, wait(limiter.Take("a", now)), "a call that is refused does not count")
	require.NoError(t, limiter.Take("b", now), "another client has its own")
	require.Equal(t, 100*time.Millisecond, wait(limiter.Take("a", now.Add(400*time.Millisecond))))
	require.NoError(t, limiter.Take("a", now.Add(500*time.Millisecond)))
	require.Error(t, limiter.Take("a", now.Add(500*time.Millisecond)))
	later := now.Add(time.Hour)
	for range 3 {
		require.NoError(t, limiter.Take("a", later), "what was not used does not add up beyond the burst")
	}
	require.Error(t, limiter.Take("a", later))
}

func TestNoLimitAndTheDefault(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	unlimited, usual := access.NewLimiter(-1, 0), access.NewLimiter(0, 0)
	for range 1000 {
		require.NoError(t, unlimited.Take("a", now))
	}
	for range access.DefaultBurst {
		require.NoError(t, usual.Take("a", now))
	}
	require.Equal(t, time.Second/access.DefaultRate, wait(usual.Take("a", now)))
}

func TestManyClientsShareWhatIsLeft(t *testing.T) {
	const counted = 1 << 16
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	limiter := access.NewLimiter(1, 2)
	for i := range counted {
		require.NoError(t, limiter.Take(fmt.Sprint(i), now))
	}
	require.NoError(t, limiter.Take("newcomer 1", now))
	require.NoError(t, limiter.Take("newcomer 2", now))
	require.Error(t, limiter.Take("newcomer 3", now), "the newcomers have one allowance together")
	require.NoError(t, limiter.Take("7", now), "a client that is counted keeps its own")
	later := now.Add(time.Minute)
	require.NoError(t, limiter.Take("newcomer 4", later), "those that were quiet are forgotten")
	require.NoError(t, limiter.Take("newcomer 5", later))
	require.NoError(t, limiter.Take("newcomer 6", later))
}

func TestLimitsAreBounded(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		perSecond float64
		burst     int
		atOnce    int
		wait      time.Duration // after them
	}{
		"no number":                {math.NaN(), 1, 1, time.Second / access.DefaultRate},
		"less than no burst":       {1, -5, access.DefaultBurst, time.Second},
		"hardly ever":              {1e-300, 1, 1, time.Hour},
		"hardly ever, many":        {1e-12, math.MaxInt, 1 << 16, time.Hour},
		"as many as can be":        {1, math.MaxInt, 1 << 16, time.Second},
		"without end":              {math.Inf(1), 1, 1, 1},
		"more than a nanosecond's": {1e12, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			limiter := access.NewLimiter(test.perSecond, test.burst)
			for range test.atOnce {
				require.NoError(t, limiter.Take("a", now))
			}
			require.Equal(t, test.wait, wait(limiter.Take("a", now)))
		})
	}
}

func TestARefusalSaysWhenToComeBack(t *testing.T) {
	for wait, header := range map[time.Duration]string{1: "1", time.Second: "1", time.Second + 1: "2", time.Hour: "3600"} {
		err := fmt.Errorf("resolve: %w", &access.TooManyError{Wait: wait})
		require.ErrorIs(t, err, access.ErrTooMany)
		require.Equal(t, header, (&access.TooManyError{Wait: wait}).RetryAfter())
		require.Equal(t, access.CodeRateLimited, access.CodeOf(err))
		require.Equal(t, access.ErrTooMany.Error(), access.PublicMessage(err))
	}
}

func TestAClientIsAnAddressOrANetwork(t *testing.T) {
	for remote, client := range map[string]string{
		"192.0.2.7:4711":                    "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:4711":       "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff:ffff:0:1]:4711": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.7]:4711":           "192.0.2.7",
		"[fe80::1%eth0]:4711":               "fe80::/64",
		"@":                                 "@",
		"192.0.2.7":                         "192.0.2.7",
	} {
		require.Equal(t, client, access.ClientAddress(&http.Request{RemoteAddr: remote}), remote)
	}
}
