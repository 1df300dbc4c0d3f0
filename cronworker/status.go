package cronworker

import "time"

// Status is what a worker is at, for health pages. It has codes and no messages, and nothing that is secret.
type Status struct {
	Running  bool        `json:"running"` // Run is under way
	Schedule JobStatus   `json:"schedule"`
	Expire   JobStatus   `json:"expire"`
	Relay    RelayStatus `json:"relay"`
}

// JobStatus is what is known of a job, since New. Times are UTC, by Config.Clock; zero is never.
type JobStatus struct {
	Enabled     bool      `json:"enabled"` // it has a timetable
	Running     bool      `json:"running"` // a run is under way, by the timetable or by RunNow
	Next        time.Time `json:"next,omitzero"`
	LastStarted time.Time `json:"last_started,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"` // when a run last ended well, with nothing left to do
	Runs        int       `json:"runs"`                  // that ended, in whatever way
	Failures    int       `json:"failures"`              // of those, that broke or could not get at what is left
	Overruns    int       `json:"overruns"`              // times of the timetable that came while the job ran
	// LastError is why the latest run that failed did: "panic", "stalled" (there is more, but nothing that the run could get
	// at), "generator_stuck", or an assessplan.Kind such as "unavailable". Empty once a run ended well.
	LastError string `json:"last_error,omitempty"`
}

// RelayStatus is what is known of the relay. What it delivers is told to the service's Observer.
type RelayStatus struct {
	Enabled     bool      `json:"enabled"` // the service has a publisher, and Config.NoRelay is not set
	Running     bool      `json:"running"`
	LastStarted time.Time `json:"last_started,omitzero"`
	Failures    int       `json:"failures"`             // how often it broke and was started again: a panic of what it calls
	LastError   string    `json:"last_error,omitempty"` // why it last broke; empty if it never did
}

// Status returns what the worker is at. It may be called at any time, by any number of goroutines.
func (w *Worker) Status() Status {
	s := Status{Running: w.running.Load(), Schedule: w.schedule.read(), Expire: w.expire.read()}
	if w.relay != nil {
		s.Relay = w.relay.read()
	}
	return s
}

func (j *job) read() JobStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.status
}

func (r *relay) read() RelayStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}
