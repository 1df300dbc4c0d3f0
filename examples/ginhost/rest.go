package main

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/httpapi"
)

const prefix = "/api/v1"

// mount puts the library's REST routes beside the host's, behind the same middleware.
func (h *host) mount(router *gin.Engine) error {
	api := humagin.NewWithGroup(router, router.Group("/", reserved), huma.Config{
		OpenAPI:       &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{Title: "ginhost", Version: "1"}},
		OpenAPIPath:   prefix + "/openapi",
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
	})
	return httpapi.Register(api, h.service, &httpapi.Config{Authenticate: h.authenticate, Prefix: prefix, PassTimeout: passTimeout, Clock: h.clock, Logger: h.log})
}

// authenticate tells the library who has the host's keys. Nobody may submit: a sheet comes through /fill, which stores it.
func (h *host) authenticate(r *http.Request) (access.Principal, error) {
	if bears(r, h.secret) {
		return access.Principal{Subject: "trigger", AllOrgs: true, Permissions: []access.Permission{access.Schedule}}, nil
	}
	for org, key := range h.keys {
		if bears(r, key) {
			return access.Principal{Subject: "staff", Org: org, Permissions: []access.Permission{access.Read, access.Manage, access.Entries}}, nil
		}
	}
	return access.Principal{}, access.ErrUnauthenticated
}

// reserved keeps to the host what its own tables have a part in: only its users are enrolled, and are erased in both.
func reserved(c *gin.Context) {
	if instead, ok := elsewhere[c.Request.Method+" "+c.FullPath()]; ok {
		c.AbortWithStatusJSON(http.StatusForbidden, gin.H{"error": instead})
	}
}

// elsewhere says where instead. Nobody here has the permission to complete a task either: that row is for what it says.
var elsewhere = map[string]string{
	"POST " + prefix + "/plans/:id/enrollments":    "users are enrolled at /enrollments",
	"DELETE " + prefix + "/testees/:testee_id":     "users are erased by who keeps the host's tables",
	"POST " + prefix + "/plans/tasks/:id/complete": "sheets are handed in at /fill",
}
