package crash_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/assessplan/assessplan"
)

// TestTheAuditSeesEveryFault falsifies books that balance.
func TestTheAuditSeesEveryFault(t *testing.T) {
	sound := newSmallDisk(t).finish()
	require.Empty(t, sound.audit())
	task := &sound.tasks[0]
	opened := slices.IndexFunc(sound.deliveries, func(d delivery) bool {
		return d.subject == uuid.UUID(task.ID) && d.kind == assessplan.TypeTaskOpened
	})
	expired := slices.IndexFunc(sound.deliveries, func(d delivery) bool {
		return d.subject == uuid.UUID(task.ID) && d.kind == assessplan.TypeTaskExpired
	})
	for fault, falsify := range map[string]func(b *books){
		faultLost:    func(b *books) { b.deliveries = slices.Delete(b.deliveries, opened, opened+1) },
		faultTwice:   func(b *books) { b.repeat(opened, func(d *delivery) { d.id[0]++; d.version = 3 }) },
		faultOther:   func(b *books) { b.repeat(opened, func(d *delivery) { d.digest = "another" }) },
		faultForeign: func(b *books) { b.repeat(opened, func(d *delivery) { d.id[0]++; d.subject[0]++ }) },
		faultOrder: func(b *books) {
			b.deliveries[opened], b.deliveries[expired] = b.deliveries[expired], b.deliveries[opened]
		},
		faultEntry:     func(b *books) { b.deliveries[opened].entry = "another" },
		faultUnsettled: func(b *books) { b.outbox.Parked = 1 },
		faultLeft:      func(b *books) { b.rounds[0].Status = assessplan.EnrollmentStatusActive },
		faultHalf:      func(b *books) { b.tasks = b.tasks[1:] },
	} {
		t.Run(fault, func(t *testing.T) {
			b := *sound
			b.deliveries, b.rounds = slices.Clone(sound.deliveries), slices.Clone(sound.rounds)
			falsify(&b)
			require.Contains(t, b.audit(), fault)
		})
	}
}

// repeat delivers something again, in another form.
func (b *books) repeat(i int, alter func(d *delivery)) {
	d := b.deliveries[i]
	alter(&d)
	b.deliveries = append(b.deliveries, d)
}

func TestALedgerIsReadAroundATornLine(t *testing.T) {
	d := newSmallDisk(t)
	_, err := d.Relay.RelayEvents(t.Context())
	require.NoError(t, err)
	lines, err := ledgerLines(d.publisher.Events())
	require.NoError(t, err)

	reader := ledgerReader{path: filepath.Join(t.TempDir(), "ledger")}
	for _, part := range [][]byte{lines[:len(lines)-30], lines, lines[:100], lines[100:]} {
		file, err := os.OpenFile(reader.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		require.NoError(t, err)
		_, err = file.Write(part)
		require.NoError(t, err)
		require.NoError(t, file.Close())
		grown, err := reader.read()
		require.NoError(t, err)
		require.True(t, grown)
	}
	whole := len(d.publisher.Events())
	require.Len(t, reader.deliveries, 3*whole-1)
	require.Equal(t, 1, reader.torn)
	require.Equal(t, reader.deliveries[:whole-1], reader.deliveries[whole-1:2*whole-2])
}
