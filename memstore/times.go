package memstore

import (
	"time"

	"github.com/assessplan/assessplan"
)

// instant is a time in a row: microseconds since the first of January of the year 1, UTC, so that the zero time is 0.
type instant int64

const microsToYearOne = 62_135_596_800_000_000 // from 1970

func instantOf(t time.Time) instant { return instant(t.UnixMicro() + microsToYearOne) }

func (i instant) time() time.Time { return time.UnixMicro(int64(i) - microsToYearOne).UTC() }

// packedDate is a civil date in a row: the year, 4 bits of month, 5 bits of day.
type packedDate int32

func packDate(d assessplan.CivilDate) packedDate {
	return packedDate(d.Year<<9 | d.Month&0xf<<5 | d.Day&0x1f)
}

func (p packedDate) date() assessplan.CivilDate {
	return assessplan.CivilDate{Year: int(p >> 9), Month: int(p >> 5 & 0xf), Day: int(p & 0x1f)}
}

// fitsInt32 reports whether a row can hold all of the numbers.
func fitsInt32(numbers ...int) bool {
	for _, n := range numbers {
		if n != int(int32(n)) {
			return false
		}
	}
	return true
}
