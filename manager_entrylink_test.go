package assessplan_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// deriving makes entries again in a way of its own.
type deriving struct {
	*assessplan.SignedEntryGenerator
	derive func(ctx context.Context, derived func() (token, url string, err error)) (token, url string, err error)
}

func (d deriving) DeriveEntry(ctx context.Context, task *assessplan.AssessmentTask, serial int) (token, url string, err error) {
	return d.derive(ctx, func() (string, string, error) { return d.SignedEntryGenerator.DeriveEntry(ctx, task, serial) })
}

func TestEntryLinkOfADeriverThatMisbehaves(t *testing.T) {
	const link = site + "?token=" + secret
	type derived = func() (token, url string, err error)
	for name, test := range map[string]struct {
		derive func(ctx context.Context, good derived) (token, url string, err error)
		want   error
		kind   assessplan.Kind
	}{
		"an error that holds the link": {func(context.Context, derived) (string, string, error) {
			return "", "", errors.New("cannot sign " + link)
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
		"an error of this package, wrapped in one that holds the link": {func(context.Context, derived) (string, string, error) {
			return "", "", fmt.Errorf("%s: %w", link, assessplan.ErrNotFound)
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
		"a panic": {func(context.Context, derived) (string, string, error) {
			panic(link)
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
		"hangs and listens": {func(ctx context.Context, _ derived) (string, string, error) {
			<-ctx.Done()
			return "", "", errors.New(link)
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
		"hangs and does not listen": {func(_ context.Context, good derived) (string, string, error) {
			time.Sleep(time.Minute)
			return good()
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
		"another entry": {func(context.Context, derived) (string, string, error) {
			return secret, link, nil
		}, assessplan.ErrNotFound, assessplan.KindNotFound},
		"a link that is none": {func(_ context.Context, good derived) (string, string, error) {
			token, _, err := good()
			return token, "javascript:" + link, err
		}, assessplan.ErrUnavailable, assessplan.KindUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, func(s *setup) { s.entries = deriving{signedEntries(t), test.derive} })
				opened := f.openedTask()
				token, _ := opened.Entry.Reveal()

				entry, err := f.EntryLink(f.ctx, clinic, opened.Task.ID)

				require.Zero(t, entry)
				require.ErrorIs(t, err, test.want)
				require.Equal(t, test.kind, assessplan.KindOf(err))
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), assessplan.PublicMessage(err)} {
					require.NotContains(t, text, site)
					require.NotContains(t, text, secret)
					require.NotContains(t, text, token)
				}
				time.Sleep(time.Hour) // whoever was left behind comes back
			})
		})
	}
}
