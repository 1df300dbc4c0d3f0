package main

import (
	"log/slog"
	"net/http"
	"time"
)

const (
	readTimeout  = 10 * time.Second                          // of a request with its body
	passTimeout  = 25 * time.Second                          // after which a pass answers that there is more
	writeTimeout = readTimeout + passTimeout + 5*time.Second // counted from the end of the header, before the body
)

// newServer takes HTTP/1.1 and HTTP/2 on one port, without TLS as well (h2c).
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: handler, Protocols: protocols, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: 2 * time.Minute,
	}
}
