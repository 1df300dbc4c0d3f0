package httpapi

import (
	"net/http"

	"github.com/swaggest/swgui/v5emb"
)

// documentation is a page to browse the API with. All that it loads is in the program.
func documentation(prefix string) http.Handler {
	page := v5emb.New("assessplan", prefix+"/openapi.json", prefix+"/docs")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "+
			"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		page.ServeHTTP(w, r)
	})
}
