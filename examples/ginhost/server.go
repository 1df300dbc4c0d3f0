package main

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"gorm.io/gorm"

	"github.com/assessplan/assessplan"
)

// host is the server.
type host struct {
	database *database
	service  *assessplan.Service
	secret   string                      // of whoever triggers the passes
	keys     map[assessplan.OrgID]string // of the staff of each org
	mail     mailer
	clock    assessplan.Clock
	log      *slog.Logger
}

// routes are the server's answers: its own, and below /api/v1 the library's.
func (h *host) routes() (http.Handler, error) {
	router := gin.New()
	router.UseRawPath = true // an escaped slash is part of an ID, and no end of it
	router.Use(h.note, gin.CustomRecoveryWithWriter(nil, h.recovered))

	own := router.Group("/", limited)
	own.POST("/passes", h.trigger, h.answer(h.runPasses))

	staff := own.Group("/", h.staff)
	staff.POST("/users", h.answer(h.createUser))
	staff.GET("/users/:id/tasks", h.answer(h.listTasks))
	staff.POST("/plans", h.answer(h.createPlan))
	staff.POST("/enrollments", h.answer(h.enroll))

	entry := own.Group("/fill", private)
	entry.GET("", h.answer(h.showEntry))
	entry.POST("", h.answer(h.fillIn))
	return router, h.mount(router)
}

// note logs each request by its route: gin's own logger writes the query, which has the token of an entry.
func (h *host) note(c *gin.Context) {
	c.Next()
	h.log.Info("request", "method", c.Request.Method, "route", c.FullPath(), "status", c.Writer.Status())
}

// recovered answers for a handler that panicked. gin's own way prints the request, with its query.
func (h *host) recovered(c *gin.Context, panicked any) {
	h.log.Error("panic", "route", c.FullPath(), "panic", panicked, "stack", string(debug.Stack()))
	c.AbortWithStatusJSON(http.StatusInternalServerError, gin.H{"error": "internal error"})
}

// limited bounds what a body may cost. The library has a bound of its own.
func limited(c *gin.Context) { c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, 64<<10) }

// private keeps a capability link from where it was used: no Referer to what the page loads, no copy in a cache.
func private(c *gin.Context) {
	c.Header("Referrer-Policy", "no-referrer")
	c.Header("Cache-Control", "no-store")
}

// trigger lets those pass who have the secret.
func (h *host) trigger(c *gin.Context) {
	if !bears(c.Request, h.secret) {
		c.AbortWithStatusJSON(http.StatusUnauthorized, gin.H{"error": "give the bearer secret of the trigger"})
	}
}

// staff lets those pass who have the key of an org, and settles the org by it: no path and no body names one.
func (h *host) staff(c *gin.Context) {
	for org, key := range h.keys {
		if bears(c.Request, key) {
			c.Set(orgKey, org)
			return
		}
	}
	c.AbortWithStatusJSON(http.StatusUnauthorized, gin.H{"error": "give the bearer key of your org"})
}

const orgKey = "org"

func orgOf(c *gin.Context) assessplan.OrgID { return c.MustGet(orgKey).(assessplan.OrgID) }

// bears takes as long for a guess that begins well as for any other.
func bears(r *http.Request, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+secret)) == 1
}

// runPasses is what cron calls every minute: both passes, for all orgs. The answer counts and holds no entry; those go out
// with the events.
func (h *host) runPasses(c *gin.Context) (int, any, error) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), passTimeout)
	defer cancel()
	expired, err := h.service.Scheduler.ExpireOverdueTasks(ctx, time.Time{})
	if err != nil {
		return 0, nil, err
	}
	opened, err := h.service.Scheduler.SchedulePendingTasks(ctx, time.Time{})
	return http.StatusOK, gin.H{
		"opened": opened.Opened, "expired": expired.Expired, "missed": opened.Missed + expired.Missed,
		"failed": opened.Failed + expired.Failed, "more": opened.More || expired.More,
	}, err
}

// read takes the body as one JSON object without unknown fields: a misspelt window would be no window.
func read(c *gin.Context, into any) error {
	decoder := json.NewDecoder(c.Request.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errBody, err)
	}
	return nil
}

// answer makes a handler of a function that returns what is to be answered, or why nothing is.
func (h *host) answer(handle func(c *gin.Context) (status int, body any, err error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		status, body, err := handle(c)
		if err != nil {
			status, body = h.judge(c, err)
		}
		c.JSON(status, body)
	}
}

// What the host itself refuses.
var (
	errBody         = errors.New("the body is not what is wanted here")
	errNoUser       = errors.New("no such user")
	errAnotherSheet = errors.New("this task has another sheet")
)

// judge returns the status of an error and what its caller may know of it: the library classes its own and leaves HTTP to
// whoever speaks it.
func (h *host) judge(c *gin.Context, err error) (status int, body any) {
	public := assessplan.PublicMessage(err)
	switch {
	case errors.Is(err, errBody):
		status, public = http.StatusBadRequest, err.Error()
	case errors.Is(err, errNoUser), errors.Is(err, gorm.ErrRecordNotFound):
		status, public = http.StatusNotFound, errNoUser.Error()
	case errors.Is(err, errAnotherSheet):
		status, public = http.StatusConflict, err.Error()
	case refused(err):
		status, public = http.StatusUnprocessableEntity, "these values are not possible"
	case errors.Is(err, assessplan.ErrEntryExpired):
		status = http.StatusGone
	default:
		status = statuses[assessplan.KindOf(err)]
	}
	if status >= http.StatusInternalServerError {
		h.log.Error("request failed", "route", c.FullPath(), "error", err)
	}
	return status, gin.H{"error": public}
}

var statuses = map[assessplan.Kind]int{
	assessplan.KindInvalid:     http.StatusBadRequest,
	assessplan.KindNotFound:    http.StatusNotFound,
	assessplan.KindConflict:    http.StatusConflict,
	assessplan.KindUnavailable: http.StatusServiceUnavailable,
	assessplan.KindInternal:    http.StatusInternalServerError,
}
